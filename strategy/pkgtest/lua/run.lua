-- Runs the spec file and returns what became of its tests.
local kit = ...
local type, load, xpcall = type, load, xpcall
local plan, lust = kit.plan, kit.lust

local chunk, why = load(plan.source, "@" .. plan.name)
if chunk == nil then return { top = kit.clean(why) } end

local ok, e = xpcall(chunk, function(e) return { text = kit.shown(e), trace = kit.trace() } end)
if not ok then
  if type(e) ~= "table" then return { top = kit.shown(e) } end
  return { top = e.text, traceback = e.trace }
end

local tests = {}
for i = 1, #lust.results do
  local r = lust.results[i]
  local suite, name, text = kit.clean(r.suite), kit.clean(r.name), r.error
  tests[i] = { suite = suite, name = name, passed = r.passed, error = text, traceback = r.traceback }
end
if #tests == 0 then return {} end
return { tests = tests }
