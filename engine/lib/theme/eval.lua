--@ alc eval
-- alc.eval: a strategy judged on a scenario.
local sys, alc, lib, def = ...
local type, error, pcall, tostring, ipairs, next = type, error, pcall, tostring, ipairs, next
local format = string.format

-- found resolves a scenario given by name: a module, a file of the scenarios' directory, a file.
local function found(name)
  local ok, value = pcall(_G.require, name)
  if ok then return value end
  local dir = alc._dirs and alc._dirs.scenarios
  for _, path in ipairs { dir and dir .. "/" .. name .. ".lua" or name, name } do
    local source = _G.std.fs.read(path)
    if source ~= nil then
      local chunk, why = sys.load(source, path)
      if chunk == nil then error("alc.eval: failed to load scenario '" .. name .. "': " .. why, 0) end
      return chunk()
    end
  end
  error("alc.eval: could not resolve scenario '" .. name .. "'", 0)
end

local RUBRIC = "Judge the response as a whole: is what it says factually accurate, does it reach as far as the input asks, and " ..
  "does it go deep enough? Give one overall rating."
local QUESTION = "Does the response answer the input correctly and completely?"

local function judge(prompt) return alc.llm(prompt, { role = "grader" }) end

-- judges are the graders that ask a model, each under the plain name that a scenario uses.
local function judges(ef)
  local prompts = lib.theme("evalgraders").prompts
  local function rename(g, name) return ef.grader(name) { check = g.check } end
  return {
    llm_rubric = function()
      return ef.bind { ef.grader "llm_rubric" { check = function(response, case)
        local text = case.context and case.context._alc_rubric or RUBRIC
        return ef.llm_graders.rubric(text, { provider = judge }).check(response, case)
      end }, ef.scorers.linear_1_5 }
    end,
    llm_yes_no = function()
      return ef.bind { rename(ef.llm_graders.yes_no(QUESTION, { provider = judge }), "llm_yes_no") }
    end,
    llm_factuality = function()
      return ef.bind { rename(ef.llm_graders.factuality { provider = judge }, "llm_factuality"), ef.scorers.linear_1_5 }
    end,
  }
end

local function bind_graders(ef, names)
  local own, out = judges(ef), {}
  for i, g in ipairs(names) do
    if type(g) == "function" then
      out[i] = ef.bind { g }
    elseif type(g) ~= "string" then
      error("alc.eval: grader must be a string name or function, got " .. type(g), 0)
    elseif own[g] then
      out[i] = own[g]()
    elseif ef.graders[g] then
      out[i] = ef.bind { ef.graders[g] }
    else
      error("alc.eval: unknown grader '" .. g .. "'", 0)
    end
  end
  return out
end

-- with_rubric moves a case's own rubric to where the judge looks for it, in a copy.
local function with_rubric(c)
  if c.rubric == nil then return c end
  local copy, context = {}, {}
  for k, v in next, c do copy[k] = v end
  for k, v in next, c.context or {} do context[k] = v end
  context._alc_rubric, copy.rubric, copy.context = c.rubric, nil, context
  return copy
end

local function simple_cases(ef, list)
  local cases = {}
  for i, c in ipairs(list or {}) do
    if ef.case.is_case(c) then
      cases[i] = c
    elseif type(c) ~= "table" or c.input == nil then
      error(format("alc.eval: case #%d must have an 'input' field", i), 0)
    else
      cases[i] = ef.case(with_rubric(c))
    end
  end
  return cases
end

local function members_of(ef, scenario)
  local full = false
  for i = 1, #scenario do full = full or ef.bind.is_binding(scenario[i]) end
  if full then
    local m = { cases = scenario.cases or {} }
    for i = 1, #scenario do m[i] = scenario[i] end
    return m
  end
  local m = bind_graders(ef, scenario.graders or { "exact_match" })
  m.cases = simple_cases(ef, scenario.cases)
  return m
end

local function by_grader(results)
  local out
  for _, r in ipairs(results) do
    for _, g in ipairs(r.grades) do
      out = out or {}
      local s = out[g.grader] or { n = 0, mean = 0.0, weight = g.weight }
      s.n, s.mean = s.n + 1, s.mean + g.score
      out[g.grader] = s
    end
  end
  for _, s in next, out or {} do s.mean = s.mean / s.n end
  return out
end

local function by_bucket(aggregated)
  local out
  for tag, t in next, aggregated.by_tag do
    out = out or {}
    out[tag] = { n = t.pass + t.fail, pass = t.pass, fail = t.fail, rate = t.rate, mean = t.stats.mean }
  end
  return out
end

local function save_card(report, pkg, scenario)
  local a = report.aggregated
  local card = alc.card.create {
    pkg = { name = pkg }, scenario = { name = scenario },
    stats = {
      pass_rate = a.pass_rate, mean_score = a.scores.mean, n = a.total, passed = a.passed,
      by_grader = by_grader(report.results), by_bucket = by_bucket(a),
    },
  }
  if card == nil then return end
  if #report.results > 0 then alc.card.write_samples(card.card_id, report.results) end
  report.card_id = card.card_id
  alc.log("info", "alc.eval: card " .. card.card_id .. " created")
end

function def.eval(scenario, strategy, opts)
  if scenario == nil then error("alc.eval: scenario is required", 2) end
  if type(scenario) ~= "string" and type(scenario) ~= "table" then error("alc.eval: scenario must be a string or table", 2) end
  if type(strategy) ~= "string" then error("alc.eval: strategy must be a string package name", 2) end
  opts = opts or {}
  local ok, ef = pcall(_G.require, "evalframe")
  if not ok then error("alc.eval: evalframe not installed: " .. tostring(ef), 2) end
  local name = "inline"
  if type(scenario) == "string" then
    name, scenario = scenario, found(scenario)
    if type(scenario) ~= "table" then error("alc.eval: scenario resolved to " .. type(scenario) .. ", expected table", 2) end
  elseif type(scenario.name) == "string" then
    name = scenario.name
  end
  local members = members_of(ef, scenario)
  members.provider = scenario.provider or ef.providers.algocline { strategy = strategy, opts = opts.strategy_opts }
  local report = ef.suite(strategy .. ":" .. name)(members):run().to_table()
  if opts.auto_card then save_card(report, opts.card_pkg or strategy, name) end
  return report
end
