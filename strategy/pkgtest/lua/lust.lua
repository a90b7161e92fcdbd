-- The global lust: describe, it, expect and their like. Tests run where they are declared.
local kit = ...
local type, error, tostring, ipairs, pairs, xpcall, pcall = type, error, tostring, ipairs, pairs, xpcall, pcall
local getmetatable, setmetatable, concat, find, gsub = getmetatable, setmetatable, table.concat, string.find, string.gsub
local show, difference = kit.show, kit.difference

local lust = { level = 0, passes = 0, errors = 0, befores = {}, afters = {}, results = {} }
_G.lust, kit.lust = lust, lust

local names = {} -- of the describe blocks that are open

function lust.describe(name, fn)
  if type(fn) ~= "function" then error("lust.describe: a function is missing after the name", 2) end
  local level = lust.level + 1
  lust.level, names[level] = level, tostring(name)
  fn()
  lust.befores[level], lust.afters[level], names[level] = nil, nil, nil
  lust.level = level - 1
end

-- hooks runs what before or after was given, from the outermost block to the innermost. As in the
-- original, what is given outside any block is never run.
local function hooks(by_level, name)
  for level = 1, lust.level do
    for _, fn in ipairs(by_level[level] or {}) do fn(name) end
  end
end

local function failure(e)
  return { text = kit.shown(e), trace = kit.trace() }
end

function lust.it(name, fn)
  if type(name) ~= "string" and type(name) ~= "number" then
    error("lust.it: the name must be a string, got " .. type(name), 2)
  end
  name = tostring(name)
  local suite = concat(names, " > ", 1, lust.level)
  kit.running(suite == "" and name or suite .. " > " .. name)
  hooks(lust.befores, name)
  local ok, why = xpcall(fn, failure)
  hooks(lust.afters, name)
  lust[ok and "passes" or "errors"] = lust[ok and "passes" or "errors"] + 1
  local result = { suite = suite, name = name, passed = ok }
  if not ok then
    -- Out of memory or stack, Lua calls no handler.
    if type(why) ~= "table" then why = { text = kit.shown(why) } end
    result.error, result.traceback = why.text, why.trace
  end
  lust.results[#lust.results + 1] = result
end

lust.test = lust.it

local function hook(by_level)
  return function(fn)
    local list = lust[by_level][lust.level] or {}
    lust[by_level][lust.level] = list
    list[#list + 1] = fn
  end
end

lust.before, lust.after = hook("befores"), hook("afters")

function lust.reset()
  lust.level, lust.passes, lust.errors = 0, 0, 0
  lust.befores, lust.afters, lust.results, names = {}, {}, {}, {}
end

function lust.get_results()
  return { tests = lust.results, passed = lust.passes, failed = lust.errors, total = lust.passes + lust.errors }
end

function lust.nocolor() return lust end

-- A matcher tells whether a value passes, and the messages for when it should and should not have.
local function plain(verb, holds)
  return { test = function(v, x)
    local right = verb .. (x ~= nil and " " .. show(x) or "")
    return holds(v, x), "expected " .. show(v) .. " to " .. right, "expected " .. show(v) .. " not to " .. right
  end }
end

local function is_a(v, x)
  if type(x) == "string" then return type(v) == x end
  if type(x) ~= "table" then error("a type is a name or a class, got " .. show(x), 0) end
  local meta = getmetatable(v)
  while type(meta) == "table" do
    local class = meta.__index
    if class == x then return true end
    meta = type(class) == "table" and getmetatable(class)
  end
  return false
end

local function container(v)
  if type(v) ~= "table" then error("expected a table, got " .. show(v), 0) end
  return v
end

local function has_member(v, x)
  for _, member in pairs(container(v)) do
    if member == x then return true end
  end
  return false
end

local function has_length(v, n)
  if type(v) ~= "table" and type(v) ~= "string" then error("expected something with a length, got " .. show(v), 0) end
  return #v == n, "expected a length of " .. show(n) .. ", got " .. #v .. " in " .. show(v),
    "expected a length other than " .. show(n) .. " in " .. show(v)
end

local function equals(v, x, eps)
  local at, got, want = difference(v, x, eps)
  local wrong
  if at == "" then
    wrong = "expected " .. show(want) .. ", got " .. show(got)
  elseif at then
    wrong = "expected " .. show(want) .. " at " .. at .. ", got " .. show(got) ..
      "\n\texpected: " .. show(x) .. "\n\tgot:      " .. show(v)
  end
  return at == nil, wrong, "expected anything but " .. show(x)
end

local function fails(v)
  local ok = pcall(v)
  return not ok, "expected an error, there was none", "expected no error, there was one"
end

local function fails_with(v, pattern)
  local ok, e = pcall(v)
  local text = kit.shown(e)
  local wrong = ok and "expected an error that matches " .. show(pattern) .. ", there was none"
    or "expected an error that matches " .. show(pattern) .. ", got " .. show(text)
  return not ok and find(text, pattern) ~= nil, wrong, "expected no error that matches " .. show(pattern) .. ", got " .. show(text)
end

local subjects = { "have", "equal", "be", "exist", "fail", "match", "have_key", "have_length" }

-- paths says what may follow what after expect(v); specs may add to it. The list of an entry names
-- its followers, test judges, chain changes the assertion in passing.
lust.paths = {
  [""] = { "to", "to_not" },
  to = { table.unpack(subjects) },
  to_not = { chain = function(a) a.negate = not a.negate end, table.unpack(subjects) },
  be = { "a", "an", "truthy", "gt", "gte", "lt", "lte", test = plain("be the same as", function(v, x) return v == x end).test },
  a = plain("be a", is_a),
  an = plain("be a", is_a),
  truthy = plain("be truthy", function(v) return v and true or false end),
  exist = plain("exist", function(v) return v ~= nil end),
  gt = plain("be greater than", function(v, x) return v > x end),
  gte = plain("be at least", function(v, x) return v >= x end),
  lt = plain("be less than", function(v, x) return v < x end),
  lte = plain("be at most", function(v, x) return v <= x end),
  match = plain("match", function(v, x) return find(tostring(v), x) ~= nil end),
  have = plain("contain", has_member),
  have_key = plain("have the key", function(v, k) return container(v)[k] ~= nil end),
  have_length = { test = has_length },
  equal = { test = equals },
  fail = { "with", test = fails },
  with = { test = fails_with },
}

local assertion = {}

local function start(v, action, negate) return setmetatable({ val = v, action = action, negate = negate }, assertion) end

function assertion.__index(a, word)
  if word == "val" then return nil end -- the value is nil
  local here = lust.paths[a.action] or {}
  for _, follower in ipairs(here) do
    if follower == word then
      local next_step = start(a.val, word, a.negate)
      local chain = lust.paths[word] and lust.paths[word].chain
      if chain then chain(next_step) end
      return next_step
    end
  end
  local after = a.action == "" and "expect(…)" or "'" .. a.action .. "'"
  error("there is no '" .. tostring(word) .. "' after " .. after .. (#here > 0 and "; there are " .. concat(here, ", ") or ""), 2)
end

function assertion.__call(a, ...)
  local matcher = lust.paths[a.action]
  if matcher == nil or matcher.test == nil then return end
  local judged, ok, wrong, wrong_not = pcall(matcher.test, a.val, ...)
  if not judged then error((gsub(kit.shown(ok), "^" .. kit.name .. ":%d+: ", "")), 2) end
  if a.negate then ok, wrong = not ok, wrong_not end
  if not ok then error(wrong or "the value fails '" .. a.action .. "'", 2) end
end

function lust.expect(v) return start(v, "", false) end

-- spy records the arguments of each call, spy[1] those of the first. Given a table and a name it
-- takes the place of that member; a last function is run at once.
function lust.spy(target, name, run)
  local subject, spy = target, {}
  local function call(...)
    spy[#spy + 1] = { ... }
    if type(subject) == "function" then return subject(...) end
  end
  setmetatable(spy, { __call = function(_, ...) return call(...) end })
  if type(target) == "table" then
    subject = target[name]
    target[name] = call
  elseif type(target) == "function" then
    run = name
  end
  if run ~= nil then run() end
  return spy
end
