-- Members of alc that are loaded, a theme at a time, when one of them is first used. Until then
-- a stub stands in its place; a stub that a script has replaced stays replaced.
--
-- A theme is a chunk that gets sys, alc, lib and the table to define its members in; its globals
-- are lib.pristine. It must look up what scripts may replace (alc.llm, alc.log …) in alc when it
-- is called, not when it is loaded.
local error, next, setmetatable = error, next, setmetatable
local request, load = sys.request, sys.load

-- lib.theme loads a theme, once, and returns its members.
local made = {}
function lib.theme(name)
  local def = made[name]
  if def == nil then
    local chunk, why = load(request("theme", name), "alc." .. name, lib.pristine)
    if chunk == nil then error(why, 0) end
    def = {}
    made[name] = def
    chunk(sys, alc, lib, def)
  end
  return def
end

local function theme(name, target, members)
  local stubs, def = {}, nil

  -- member loads the theme and puts its functions where their stubs still stand.
  local function member(m)
    if def == nil then
      def = lib.theme(name)
      for i = 1, #members do
        local k = members[i]
        if target[k] == stubs[i] then target[k] = def[k] end
      end
    end
    return def[m]
  end

  -- A stub is small, for every VM has them all.
  for i = 1, #members do
    local m = members[i]
    stubs[i] = function(...) return member(m)(...) end
    target[m] = stubs[i]
  end
end

theme("text", alc, { "chunk", "fingerprint" })
theme("match", alc, { "match_enum", "match_bool" })
theme("parse", alc, { "parse_score", "parse_number", "json_extract" })
theme("format", alc, { "fmt", "log_fmt" })
theme("cache", alc, { "cache", "cache_info", "cache_clear" })
theme("calls", alc, { "ground", "specify", "llm_safe", "llm_json", "parallel", "budget_check" })
theme("collections", alc, { "map", "filter", "reduce", "vote" })
theme("flow", alc, { "tuning", "pipe" })
theme("fork", alc, { "fork" })
theme("eval", alc, { "eval" })
theme("files", io, { "open", "lines", "type" })

alc.card = {}
theme("card", alc.card, { "create", "get", "list", "append", "open", "close", "find", "alias_set", "alias_list", "get_by_alias",
  "write_samples", "read_samples", "lineage", "sink_backfill", "compare" })

-- alc.math is a table that fills itself when it is first looked into: stubs for so many members
-- would cost every session more than most of them need.
local function fill(members)
  local def = lib.theme("math")
  setmetatable(members, nil)
  for k, f in next, def do
    if members[k] == nil then members[k] = f end
  end
end

alc.math = setmetatable({}, {
  __index = function(members, k)
    fill(members)
    return members[k]
  end,
  __pairs = function(members)
    fill(members)
    return next, members
  end,
})

package.preload.evalframe = function() return lib.theme("evalframe") end
package.preload["alc.testing"] = function() return lib.theme("testing") end
