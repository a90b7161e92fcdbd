-- Running an evaluation: suites, the text of their reports, providers, parameter sweeps.
local sys, alc, lib, def = ...
local type, error, pcall, tostring, ipairs, pairs, next, select, setmetatable =
  type, error, pcall, tostring, ipairs, pairs, next, select, setmetatable
local format, sub, byte, find, rep = string.format, string.sub, string.byte, string.find, string.rep
local concat, sort, unpack = table.concat, table.sort, table.unpack
local floor = math.floor
local parts, stats = lib.theme("evalparts"), lib.theme("evalstats")

-- ---- one case

local function millis(began) return floor((_G.std.time.now() - began) * 1000) end

local function respond(provider, input)
  local began = _G.std.time.now()
  local ok, answer = pcall(provider, input)
  if not ok then return { text = "", latency_ms = millis(began), error = tostring(answer) } end
  if type(answer) == "string" then return { text = answer, latency_ms = millis(began) } end
  if type(answer) ~= "table" then
    return { text = "", latency_ms = millis(began), error = "the provider gave a " .. type(answer) .. ", not a text or table" }
  end
  local response = {}
  for k, v in next, answer do response[k] = v end
  if type(response.text) ~= "string" then response.text = "" end
  if response.latency_ms == nil then response.latency_ms = millis(began) end
  return response
end

local function grade(binding, response, case)
  local g = { grader = binding.grader.name, weight = binding.weight, score = 0.0 }
  local value, why = binding.grader.check(response, case)
  if why ~= nil then
    g.error = tostring(why)
    return g
  end
  g.grade = value
  g.score = binding.scorer.score(value)
  if g.score == 0 and (type(value) == "string" or type(value) == "table") then
    g.warning = "a " .. type(value) .. " grade scored 0: is this the scorer for it?"
  end
  return g
end

local function run_case(suite, case)
  local response, grades, sum, weights = respond(suite.provider, case.input), {}, 0.0, 0.0
  for i, b in ipairs(suite.bindings) do
    local g = grade(b, response, case)
    grades[i] = g
    sum, weights = sum + g.score * g.weight, weights + g.weight
  end
  local score = weights > 0 and sum / weights or 0.0
  return { case = case, response = response, grades = grades, score = score, passed = score >= 1 - 1e-6 }
end

-- ---- reports

-- plain copies a value without functions; a table that contains itself is cut there.
local function plain(v, above)
  if type(v) == "function" then return nil end
  if type(v) ~= "table" then return v end
  if above[v] then return nil end
  above[v] = true
  local t = {}
  for k, x in next, parts.fields[v] or v do t[k] = plain(x, above) end
  above[v] = nil
  return t
end

local function label_of(case)
  if case.name ~= "" then return case.name end
  if #case.input <= 40 then return case.input end
  local cut = 40
  while cut > 0 and byte(case.input, cut + 1) & 0xc0 == 0x80 do cut = cut - 1 end
  return sub(case.input, 1, cut) .. "..."
end

local function format_result(r)
  local lines = { format("[%s] %s  score=%.3f", r.passed and "PASS" or "FAIL", label_of(r.case), r.score) }
  for _, g in ipairs(r.grades) do
    local line = format("  %s: %.3f (raw=%s", g.grader, g.score, tostring(g.grade))
    if g.error then line = line .. " err=" .. g.error end
    if g.warning then line = line .. " WARN=" .. g.warning end
    lines[#lines + 1] = line .. ")"
  end
  return concat(lines, "\n")
end

local function summary(name, a)
  local passes = format("pass@1: %.2f", a.pass_at_1)
  if a.pass_at_5 then passes = passes .. format("  pass@5: %.2f", a.pass_at_5) end
  if a.pass_at_10 then passes = passes .. format("  pass@10: %.2f", a.pass_at_10) end
  local lines = {
    "Suite: " .. name,
    format("Cases: %d  Pass: %d  Fail: %d", a.total, a.passed, a.total - a.passed),
    passes,
    format("Mean: %.3f  StdDev: %.3f  95%% CI: [%.3f, %.3f]", a.scores.mean, a.scores.std_dev, a.ci_95.lower, a.ci_95.upper),
  }
  local tags = {}
  for tag in next, a.by_tag do tags[#tags + 1] = tag end
  sort(tags)
  if tags[1] then
    lines[#lines + 1] = ""
    lines[#lines + 1] = "By tag:"
  end
  for _, tag in ipairs(tags) do
    local t = a.by_tag[tag]
    lines[#lines + 1] = format("  %s%s %d/%d (%.2f)", tag, rep(" ", 20 - #tag), t.pass, t.pass + t.fail, t.rate)
  end
  return concat(lines, "\n")
end

local function report(name, results)
  local failures = {}
  for _, r in ipairs(results) do
    if not r.passed then failures[#failures + 1] = r end
  end
  local it = { name = name, results = results, failures = failures, aggregated = stats.aggregate(results), format_result = format_result }
  function it.summary() return summary(name, it.aggregated) end
  function it.to_table()
    return {
      name = name, aggregated = plain(it.aggregated, {}), failures = plain(failures, {}),
      results = plain(results, {}), summary = it.summary(),
    }
  end
  return it
end
def.report = { new = report, summary = summary, format_result = format_result }

-- ---- suites

function def.suite(name)
  return function(members)
    local function bad(why) error("suite '" .. tostring(name) .. "': " .. why, 3) end
    if type(members) ~= "table" then bad("a table is wanted") end
    if type(members.provider) ~= "function" then bad("provider must be a function") end
    local suite = { name = name, provider = members.provider, bindings = {}, cases = {} }
    for i = 1, #members do
      if not parts.bind.is_binding(members[i]) then bad("member " .. i .. " is not a binding") end
      suite.bindings[i] = members[i]
    end
    if #suite.bindings == 0 then bad("no binding") end
    for i, c in ipairs(members.cases or {}) do
      if not parts.case.is_case(c) then
        if type(c) ~= "table" or c.input == nil then bad("case " .. i .. " is neither a case nor a table with input") end
        c = parts.case(c)
      end
      suite.cases[i] = c
    end
    function suite:run()
      if #self.cases == 0 then error("suite '" .. self.name .. "': no cases to evaluate", 2) end
      local results = {}
      for i, c in ipairs(self.cases) do results[i] = run_case(self, c) end
      return report(self.name, results)
    end
    return suite
  end
end

-- ---- providers

local function text_of(v)
  if type(v) == "string" then return v end
  if type(v) ~= "table" then return tostring(v) end
  local r = v.result
  if r == nil then return _G.std.json.encode(v) end
  if type(r) == "string" then return r end
  if type(r) ~= "table" then return tostring(r) end
  for _, k in ipairs { "answer", "summary", "output", "text" } do
    if type(r[k]) == "string" then return r[k] end
  end
  return _G.std.json.encode(r)
end

local function strategy_provider(o)
  local strategy, model = o.strategy, "algocline:" .. tostring(o.strategy)
  return function(input)
    local pkg = _G.require(strategy)
    if type(pkg) ~= "table" or type(pkg.run) ~= "function" then error("strategy '" .. tostring(strategy) .. "' has no run function", 0) end
    local began = _G.std.time.now()
    local ctx = { task = input }
    for k, v in next, o.opts or {} do ctx[k] = v end
    local ok, raw = pcall(pkg.run, ctx)
    if not ok then return { text = "", model = model, error = tostring(raw), latency_ms = millis(began) } end
    return { text = text_of(raw), model = model, latency_ms = millis(began), raw = raw }
  end
end

local function mock(answer)
  return function(input) return { text = answer(input), model = "mock", latency_ms = 0 } end
end

local function longest_key(map, input)
  if map[input] ~= nil then return map[input] end
  local best
  for k in next, map do
    if find(input, k, 1, true) and (best == nil or #k > #best or #k == #best and k < best) then best = k end
  end
  return best ~= nil and map[best] or ""
end

def.providers = {
  mock = {
    static = function(text) return mock(function() return text end) end,
    map = function(map) return mock(function(input) return longest_key(map, input) end) end,
    fn = function(fn) return mock(function(input) return tostring(fn(input)) end) end,
    recording = function(list)
      local calls, n = {}, 0
      return mock(function(input)
        calls[#calls + 1] = input
        n = n % #list + 1
        return list[n]
      end), { calls = calls }
    end,
  },
  claude_cli = function()
    return function() return { text = "", error = "claude_cli: a session starts no programs; ask through alc.llm", latency_ms = 0 } end
  end,
}
if type(alc.llm) == "function" then
  def.providers.algocline = setmetatable({
    llm = function()
      return function(input)
        local began = _G.std.time.now()
        return { text = alc.llm(input), model = "alc_llm", latency_ms = millis(began) }
      end
    end,
  }, { __call = function(_, o) return strategy_provider(o) end })
end

-- ---- parameter sweeps

local dimensions = setmetatable({}, { __mode = "k" })

function def.vary(name)
  if type(name) ~= "string" then error("vary: the dimension's name must be a string", 2) end
  return function(entries)
    if type(entries) ~= "table" or #entries == 0 then error("vary '" .. name .. "': at least one entry is wanted", 2) end
    local d = {}
    for i, e in ipairs(entries) do
      local c = {}
      for k, v in next, e do c[k] = v end
      if c.name == nil then c.name = name .. "_" .. i end
      d[i] = c
    end
    dimensions[d] = name
    return d
  end
end

function def.variants(spec)
  local dims = {}
  for i = 1, #spec do
    if not dimensions[spec[i]] then error("variants: member " .. i .. " is not a vary", 2) end
    dims[i] = spec[i]
  end
  if #dims == 0 then error("variants: no dimension", 2) end
  local mode = spec.mode or "cross"
  if mode ~= "cross" and mode ~= "zip" then error("variants: mode must be cross or zip, got " .. tostring(mode), 2) end
  local out = {}
  local function add(entries)
    local v, names = {}, {}
    for k, x in next, spec.base or {} do v[k] = x end
    for i, e in ipairs(entries) do
      for k, x in next, e do v[k] = x end
      names[i] = e.name
    end
    v.name = concat(names, "_")
    out[#out + 1] = v
  end
  if mode == "zip" then
    local n
    for _, d in ipairs(dims) do n = (n == nil or #d < n) and #d or n end
    for i = 1, n do
      local entries = {}
      for k, d in ipairs(dims) do entries[k] = d[i] end
      add(entries)
    end
    return out
  end
  local function cross(at, entries)
    if at > #dims then return add(entries) end
    for _, e in ipairs(dims[at]) do
      entries[at] = e
      cross(at + 1, entries)
    end
  end
  cross(1, {})
  return out
end

-- ---- cases from a file

function def.load_cases(path)
  local source, why = _G.std.fs.read(path)
  if source == nil then error("load_cases: " .. tostring(why), 2) end
  local chunk, bad = sys.load(source, path, {
    pairs = pairs, ipairs = ipairs, type = type, tostring = tostring, tonumber = tonumber, select = select,
    unpack = unpack, string = string, table = table, math = math,
  })
  if chunk == nil then error("load_cases: " .. bad, 2) end
  local list = chunk()
  if type(list) ~= "table" then error("load_cases: " .. path .. " must return a list of cases", 2) end
  local cases = {}
  for i, c in ipairs(list) do cases[i] = parts.case.is_case(c) and c or parts.case(c) end
  return cases
end
