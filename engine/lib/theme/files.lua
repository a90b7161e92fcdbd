--@ io open lines type read write input output close popen tmpfile
-- io for sessions that were granted directories: a file is read whole when it is opened, and
-- what is written goes out when the file is flushed or closed, or when the script ends.
local sys, alc, lib, def = ...
local type, error, select, tonumber, tostring, setmetatable = type, error, select, tonumber, tostring, setmetatable
local find, match, sub, byte, concat = string.find, string.match, string.sub, string.byte, table.concat
local unpack, mathtype = table.unpack, math.type
local request = sys.request
local text = lib.text

local methods = {}
local meta = { __index = methods, __name = "FILE*", __metatable = false }
local open_files = {} -- those that may hold unwritten text, in the order of opening

local function check(file, fname)
  if type(file) ~= "table" or file.path == nil then error("bad argument #1 to '" .. fname .. "' (FILE* expected)", 3) end
  if file.closed then error("attempt to use a closed file", 3) end
  return file
end

local function failed(path, why, code) return nil, path .. ": " .. why, code end

-- one reads one format from a file; nil at its end.
local function one(file, f)
  local data, pos = file.data, file.pos
  if mathtype(f) == "integer" then
    if pos > #data then return nil end
    file.pos = pos + f
    return sub(data, pos, pos + f - 1)
  end
  f = match(tostring(f), "^%*?(%a)")
  if f == "a" then
    file.pos = #data + 1
    return sub(data, pos)
  elseif f == "l" or f == "L" then
    if pos > #data then return nil end
    local at = find(data, "\n", pos, true)
    file.pos = (at or #data) + 1
    return sub(data, pos, at and (f == "L" and at or at - 1) or #data)
  elseif f == "n" then
    local s, e = find(data, "^%s*[+-]?0[xX][%x.]+[pP]?[+-]?%d*", pos)
    if s == nil then s, e = find(data, "^%s*[+-]?[%d.]+[eE]?[+-]?%d*", pos) end
    if s == nil then return nil end
    file.pos = e + 1
    return tonumber(sub(data, s, e))
  end
  error("bad argument to 'read' (invalid format)", 4)
end

local function read(file, ...)
  local n = select("#", ...)
  if n == 0 then return one(file, "l") end
  local out = {}
  for i = 1, n do
    local v = one(file, (select(i, ...)))
    out[i] = v
    if v == nil then return unpack(out, 1, i) end
  end
  return unpack(out, 1, n)
end

function methods:read(...)
  check(self, "read")
  if self.data == nil then return failed(self.path, "not open for reading", 9) end
  return read(self, ...)
end

function methods:lines(...)
  local file, formats = check(self, "lines"), { n = select("#", ...), ... }
  return function()
    if file.closed then error("file is already closed", 2) end
    return read(file, unpack(formats, 1, formats.n))
  end
end

function methods:write(...)
  check(self, "write")
  local out = self.out
  if out == nil then return failed(self.path, "not open for writing", 9) end
  for i = 1, select("#", ...) do
    local v = select(i, ...)
    if type(v) == "number" then v = tostring(v) end
    if type(v) ~= "string" then error("bad argument #" .. i .. " to 'write' (string expected, got " .. type(v) .. ")", 2) end
    out[#out + 1] = v
  end
  return self
end

local function flush(file)
  if file.out == nil or (#file.out == 0 and file.begun) then return true end
  local ok, why, code = request("file.write", file.path, concat(file.out), file.begun)
  file.out, file.begun = {}, true
  if ok then return true end
  return failed(file.path, why, code)
end

function methods:flush()
  local ok, why, code = flush(check(self, "flush"))
  if ok then return self end
  return nil, why, code
end

function methods:close()
  check(self, "close")
  self.closed = true
  for i = 1, #open_files do
    if open_files[i] == self then
      for k = i, #open_files do open_files[k] = open_files[k + 1] end
      break
    end
  end
  return flush(self)
end
local close = methods.close
meta.__close = function(file) if not file.closed then close(file) end end

function methods:seek(whence, offset)
  check(self, "seek")
  if self.data == nil then return failed(self.path, "not open for reading", 29) end
  local base = ({ set = 0, cur = self.pos - 1, ["end"] = #self.data })[whence or "cur"]
  if base == nil then error("bad argument #1 to 'seek' (invalid option '" .. tostring(whence) .. "')", 2) end
  local at = base + (offset or 0)
  if at < 0 then return failed(self.path, "Invalid argument", 22) end
  self.pos = at + 1
  return at
end

function methods:setvbuf() return true end

-- lib.write_out writes what open files still hold, when the script has ended.
function lib.write_out()
  while open_files[1] do close(open_files[1]) end
end

function def.open(path, mode)
  path = text(path, "open", 1)
  mode = mode == nil and "r" or text(mode, "open", 2)
  local kind = match(mode, "^([rwa])b?$")
  if kind == nil then
    if match(mode, "^[rwa]%+b?$") then return failed(path, "a file is read or written here, not both", 22) end
    error("bad argument #2 to 'open' (invalid mode)", 2)
  end
  local file = setmetatable({ path = path, pos = 1 }, meta)
  if kind == "r" then
    local data, why, code = request("file.read", path)
    if data == nil then return failed(path, why, code) end
    file.data = data
    return file
  end
  file.out, file.begun = {}, kind == "a"
  if kind == "w" then -- as stock Lua, it fails now and not when it is closed
    local ok, why, code = flush(file)
    if not ok then return nil, why, code end
  else
    local ok, why, code = request("file.write", path, "", true)
    if not ok then return failed(path, why, code) end
  end
  open_files[#open_files + 1] = file
  return file
end

function def.lines(path, ...)
  local file, why = def.open(path, "r")
  if file == nil then error(why, 2) end
  return file:lines(...)
end

def["type"] = function(v)
  if type(v) ~= "table" or v.path == nil or v.read ~= methods.read then return nil end
  return v.closed and "closed file" or "file"
end

-- What no grant opens raises, and says so.
local function never(name, full, why)
  def[name] = function() error(full .. ": " .. why, 2) end
end

for _, name in ipairs { "read", "write", "input", "output", "close" } do
  never(name, "io." .. name, "a session has no standard streams; print goes to its log, io.open reads and writes granted files")
end
never("popen", "io.popen", "a session starts no programs, and no grant allows it")
never("tmpfile", "io.tmpfile", "a session has no temporary files; io.open writes where --allow-write=DIR allows")
