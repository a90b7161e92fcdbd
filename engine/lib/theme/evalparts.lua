-- What an evaluation is put together from: cases, graders, scorers, bindings.
local sys, alc, lib, def = ...
local type, error, pcall, tostring, ipairs, pairs, next, setmetatable, getmetatable =
  type, error, pcall, tostring, ipairs, pairs, next, setmetatable, getmetatable
local select, rawequal = select, rawequal
local concat, sort = table.concat, table.sort
local find, sub = string.find, string.sub
local format = string.format

-- What a table is, is remembered here and not in the table.
local function kind() return setmetatable({}, { __mode = "k" }) end
local cases, graders, scorers, bindings = kind(), kind(), kind(), kind()
def.fields = cases

local function number(v) return type(v) == "number" end

-- named makes a constructor that takes its members at once, or a name first.
local function named(make, statics)
  return setmetatable(statics, {
    __call = function(_, first)
      if type(first) ~= "string" then return make(nil, first) end
      return function(members) return make(first, members) end
    end,
  })
end

-- ---- cases

local function texts(v, what)
  if v == nil then return nil end
  if type(v) == "string" then return { v } end
  if type(v) ~= "table" then error(what .. " must be a string or a list of strings, got " .. type(v), 0) end
  local list = {}
  for i, s in ipairs(v) do
    if type(s) ~= "string" then error(what .. " must hold strings, got " .. type(s), 0) end
    list[i] = s
  end
  return list
end

local function copy(v, what)
  if v == nil then return {} end
  if type(v) ~= "table" then error(what .. " must be a table, got " .. type(v), 0) end
  local t = {}
  for k, x in next, v do t[k] = x end
  return t
end

local function frozen(fields)
  local proxy = setmetatable({}, {
    __index = fields,
    __newindex = function(_, k) error("Case is immutable: cannot set '" .. tostring(k) .. "'", 2) end,
    __pairs = function() return next, fields end,
    __len = function() return #fields end,
    __metatable = false,
  })
  cases[proxy] = fields
  return proxy
end

local function make_case(name, c)
  if type(c) ~= "table" then error("case: a table is wanted, got " .. type(c), 3) end
  local label = name or (type(c.name) == "string" and c.name) or "?"
  local function check(ok, what, got)
    if not ok then error(format("case '%s': %s, got %s", label, what, type(got)), 4) end
  end
  check(type(c.input) == "string", "input must be a string", c.input)
  check(c.name == nil or type(c.name) == "string", "name must be a string", c.name)
  local ok, expected = pcall(texts, c.expected, "expected")
  if not ok then error(format("case '%s': %s", label, expected), 3) end
  check(c.context == nil or type(c.context) == "table", "context must be a table", c.context)
  check(c.tags == nil or type(c.tags) == "table", "tags must be a list", c.tags)
  return frozen {
    input = c.input, name = name or c.name or "", expected = expected,
    context = copy(c.context, "context"), tags = copy(c.tags, "tags"),
  }
end

def.case = named(make_case, {
  is_case = function(v) return cases[v] ~= nil end,
  has_tag = function(c, tag)
    for _, t in ipairs(c.tags) do
      if t == tag then return true end
    end
    return false
  end,
})

-- ---- graders

local function grader(name, check)
  local g = {
    name = name,
    check = function(response, case)
      local ok, grade, why = pcall(check, response, case)
      if not ok then return nil, tostring(grade) end
      return grade, why
    end,
  }
  graders[g] = true
  return g
end
def.new_grader = grader

local function make_grader(name, members)
  if name == nil then error("grader: a name is wanted: grader \"name\" { check = fn }", 3) end
  if type(members) ~= "table" or type(members.check) ~= "function" then
    error("grader '" .. name .. "': check must be a function", 3)
  end
  return grader(name, members.check)
end

local function combined(word, list, n, check)
  local names = {}
  for i = 1, n do
    if not graders[list[i]] then error("grader." .. word .. ": argument " .. i .. " is not a grader", 3) end
    names[i] = list[i].name
  end
  return grader(word .. "(" .. concat(names, ",") .. ")", check)
end

def.grader = named(make_grader, {
  all = function(...)
    local list, n = { ... }, select("#", ...)
    return combined("all", list, n, function(response, case)
      local least
      for i = 1, n do
        local grade, why = list[i].check(response, case)
        if why ~= nil then return nil, why end
        if not grade then return false end
        if number(grade) and (least == nil or grade < least) then least = grade end
      end
      return least == nil and true or least
    end)
  end,
  any = function(...)
    local list, n = { ... }, select("#", ...)
    return combined("any", list, n, function(response, case)
      local last
      for i = 1, n do
        local grade, why = list[i].check(response, case)
        if why == nil and grade then return grade end
        last = why
      end
      return false, last
    end)
  end,
})

-- ---- scorers

local function clamp(v)
  if v ~= v then return 0.0 end
  return v < 0 and 0.0 or v > 1 and 1.0 or v + 0.0
end

local function linear(low, high)
  return function(v) return number(v) and clamp((v - low) / (high - low)) or 0.0 end
end

local function threshold(pass)
  return function(v)
    if v == true then v = 1 elseif v == false then v = 0 end
    return number(v) and v >= pass and 1.0 or 0.0
  end
end

local function stepped(steps)
  return function(v)
    local score = 0.0
    if not number(v) then return score end
    for _, s in ipairs(steps) do
      if v >= s[1] then score = clamp(s[2]) end
    end
    return score
  end
end

local function checked_steps(name, list)
  if type(list) ~= "table" or #list < 2 then error("scorer '" .. name .. "': steps wants at least two", 4) end
  local steps = {}
  for i, s in ipairs(list) do
    if type(s) ~= "table" or not number(s[1]) or not number(s[2]) then
      error("scorer '" .. name .. "': step " .. i .. " must be {threshold, score}", 4)
    end
    steps[i] = { s[1], s[2] }
  end
  sort(steps, function(a, b) return a[1] < b[1] end)
  return steps
end

local function scorer(name, score)
  local s = { name = name, score = score }
  scorers[s] = true
  return s
end

local function make_scorer(name, m)
  if name == nil then error("scorer: a name is wanted: scorer \"name\" { … }", 3) end
  if type(m) ~= "table" then error("scorer '" .. name .. "': a table is wanted", 3) end
  if m.score ~= nil then
    if type(m.score) ~= "function" then error("scorer '" .. name .. "': score must be a function", 3) end
    return scorer(name, m.score)
  elseif m.min ~= nil or m.max ~= nil then
    if not number(m.min) or not number(m.max) then error("scorer '" .. name .. "': min and max must be numbers", 3) end
    if m.min == m.max then error("scorer '" .. name .. "': min and max are equal", 3) end
    return scorer(name, linear(m.min, m.max))
  elseif m.pass ~= nil then
    if not number(m.pass) then error("scorer '" .. name .. "': pass must be a number", 3) end
    return scorer(name, threshold(m.pass))
  elseif m.steps ~= nil then
    return scorer(name, stepped(checked_steps(name, m.steps)))
  end
  error("scorer '" .. name .. "': one of score, min and max, pass, steps is wanted", 3)
end

def.scorer = named(make_scorer, {})

def.scorers = {
  bool = scorer("bool", function(v)
    if v == true then return 1.0 end
    return number(v) and clamp(v) or 0.0
  end),
  linear_1_5 = scorer("linear_1_5", linear(1, 5)),
  linear_1_10 = scorer("linear_1_10", linear(1, 10)),
  linear_0_100 = scorer("linear_0_100", linear(0, 100)),
  pass_50 = scorer("pass_50", threshold(0.5)),
  pass_80 = scorer("pass_80", threshold(0.8)),
  inverse_linear = scorer("inverse_linear", function(v)
    if not number(v) or v <= 0 then return 1.0 end
    return 1 / (1 + v / 1000)
  end),
  band_1_5 = scorer("band_1_5", stepped { { 1, 0 }, { 3, 0.5 }, { 4, 1 } }),
}

-- ---- bindings

local function make_binding(label, m)
  local where = label and "bind '" .. label .. "': " or "bind: "
  if type(m) ~= "table" then error(where .. "a table is wanted", 3) end
  local b = { weight = m.weight == nil and 1.0 or m.weight }
  if not number(b.weight) or b.weight < 0 then error(where .. "weight must be a number of at least 0", 3) end
  for _, x in ipairs(m) do
    if graders[x] then
      if b.grader then error(where .. "two graders", 3) end
      b.grader = x
    elseif scorers[x] then
      if b.scorer then error(where .. "two scorers", 3) end
      b.scorer = x
    end
  end
  if b.grader == nil then error(where .. "GraderDef required", 3) end
  b.scorer = b.scorer or def.scorers.bool
  bindings[b] = true
  return b
end

def.bind = named(make_binding, { is_binding = function(v) return bindings[v] ~= nil end })
