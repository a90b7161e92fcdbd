-- evalframe: what require("evalframe") gives.
local sys, alc, lib, def = ...
local type, error, ipairs = type, error, ipairs

local adapter = _G.std
for _, path in ipairs { { "json", "decode" }, { "json", "encode" }, { "fs", "read" }, { "fs", "is_file" }, { "time", "now" } } do
  local group = type(adapter) == "table" and adapter[path[1]]
  if type(group) ~= "table" or type(group[path[2]]) ~= "function" then
    error("evalframe: the global std lacks " .. path[1] .. "." .. path[2], 0)
  end
end

local parts, stats = lib.theme("evalparts"), lib.theme("evalstats")
local graders, suite = lib.theme("evalgraders"), lib.theme("evalsuite")

def.case, def.grader, def.scorer, def.bind = parts.case, parts.grader, parts.scorer, parts.bind
def.scorers, def.graders, def.llm_graders = parts.scorers, graders.graders, graders.llm_graders
def.suite, def.providers, def.report = suite.suite, suite.providers, suite.report
def.vary, def.variants, def.load_cases = suite.vary, suite.variants, suite.load_cases
def.stats, def.std = stats, adapter
def.meta = {
  name = "evalframe", version = "0.4.0", category = "evaluation",
  description = "Cases, graders, scorers and statistics for judging strategies",
}
