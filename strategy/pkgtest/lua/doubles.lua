-- The global test_doubles: spies, stubs, mocks with expectations, and fixtures.
local kit = ...
local type, error, ipairs, pairs, tostring, tonumber, setmetatable = type, error, ipairs, pairs, tostring, tonumber, setmetatable
local pack, unpack = table.pack, table.unpack
local read, difference = kit.read, kit.difference

local function callable(fn, what)
  if fn ~= nil and type(fn) ~= "function" then error(what .. ": a function is needed, got " .. type(fn), 3) end
  return fn
end

local function whole(n, what)
  local v = tonumber(n)
  if v == nil or v < 0 or v ~= v // 1 then error(what .. ": a whole number that is not negative is needed, got " .. tostring(n), 3) end
  return v // 1 | 0
end

local double = {}

function double.call_count(d) return #d.state.calls end

function double.call_args(d, i)
  i = whole(i, "call_args")
  local args = d.state.calls[i]
  if args == nil then error("call_args: there is no call " .. i .. "; there were " .. #d.state.calls, 2) end
  return { unpack(args, 1, args.n) }
end

local function called_with(d, args)
  for _, call in ipairs(d.state.calls) do
    if call.n == args.n and difference(call, args) == nil then return true end
  end
  return false
end

function double.was_called_with(d, ...) return called_with(d, pack(...)) end
function double.returns(d, ...) d.state.values = pack(...) end
function double.reset(d) d.state.calls = {} end

function double.revert(d)
  local place = d.state.place
  if place == nil then return end
  place.owner[place.key], d.state.place = d.state.former, nil
end

-- make returns a double with some methods; its own data is out of the way of the methods' names.
local function make(methods, former, place)
  local state = { calls = {}, former = former, place = place }
  return setmetatable({}, {
    __name = "double",
    __metatable = false,
    __index = function(_, name)
      if name == "state" then return state end
      return methods[name]
    end,
    __newindex = function() error("a double has no fields to set", 2) end,
    __call = function(_, ...)
      state.calls[#state.calls + 1] = pack(...)
      if state.values then return unpack(state.values, 1, state.values.n) end
      if state.former then return state.former(...) end
    end,
  })
end

test_doubles = {}

function test_doubles.spy(fn) return make(double, callable(fn, "test_doubles.spy")) end
function test_doubles.stub() return make(double) end

function test_doubles.spy_on(owner, key)
  if type(owner) ~= "table" or type(owner[key]) ~= "function" then
    error("test_doubles.spy_on: there is no function '" .. tostring(key) .. "' to spy on", 2)
  end
  local d = make(double, owner[key], { owner = owner, key = key })
  owner[key] = d
  return d
end

local mock = {}
for name, method in pairs(double) do mock[name] = method end
mock.revert = nil

local function expectation(d, check)
  local list = d.state.expectations or {}
  d.state.expectations = list
  list[#list + 1] = check
end

function mock.expect_call_count(d, n)
  n = whole(n, "expect_call_count")
  expectation(d, function()
    if #d.state.calls ~= n then return "expected " .. n .. " calls, got " .. #d.state.calls end
  end)
end

function mock.expect_called_with(d, ...)
  local args = pack(...)
  expectation(d, function()
    if called_with(d, args) then return nil end
    return "expected a call with " .. kit.show { unpack(args, 1, args.n) } .. " among " .. #d.state.calls .. " calls, there was none"
  end)
end

function mock.expect_never_called(d)
  expectation(d, function()
    if #d.state.calls > 0 then return "expected no call, got " .. #d.state.calls end
  end)
end

function mock.clear_expectations(d) d.state.expectations = nil end

function mock.verify(d)
  for _, check in ipairs(d.state.expectations or {}) do
    local wrong = check()
    if wrong then error("mock verify failed: " .. wrong, 2) end
  end
end

function test_doubles.mock(fn) return make(mock, callable(fn, "test_doubles.mock")) end

-- fixture holds values by name, texts of files, and names of directories for temporary files.
local fixture = {}

function fixture.set(f, key, v)
  key = tostring(key)
  if f.items[key] == nil then f.n = f.n + 1 end
  f.items[key] = { v }
end

function fixture.get(f, key)
  local item = f.items[tostring(key)]
  return item and item[1]
end

function fixture.has(f, key) return f.items[tostring(key)] ~= nil end

function fixture.remove(f, key)
  local v = fixture.get(f, key)
  if fixture.has(f, key) then f.items[tostring(key)], f.n = nil, f.n - 1 end
  return v
end

function fixture.count(f) return f.n end

function fixture.load_file(f, key, path)
  if type(path) ~= "string" then error("fixture: load_file takes a name and a path", 2) end
  local content, why = read(path)
  if content == nil then error("fixture: failed to read '" .. path .. "': " .. why, 2) end
  fixture.set(f, key, content)
end

function fixture.tmpdir(_, stem)
  if type(stem) ~= "string" and type(stem) ~= "number" then error("fixture: tmpdir takes a name", 2) end
  return kit.temporary(tostring(stem))
end

-- The files themselves go when the spec file has run.
function fixture.cleanup(f) f.items, f.n = {}, 0 end

function test_doubles.fixture()
  return setmetatable({ items = {}, n = 0 }, { __index = fixture, __name = "fixture" })
end
