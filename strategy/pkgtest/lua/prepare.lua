-- The world of a spec file: where require looks, what is stubbed, what is silent. Specs may replace
-- any global, so each part of the sandbox takes what it needs before the first spec runs.
local kit = ...
local type, error, tostring, ipairs, pcall, load, getmetatable = type, error, tostring, ipairs, pcall, load, getmetatable
local find, gmatch, gsub, match, sub = string.find, string.gmatch, string.gsub, string.match, string.sub
local concat, len = table.concat, utf8.len
local read, open, progress, clock, assert = std.fs.read, io.open, alc.progress, os.clock, assert
local traceback = require("alc.testing").traceback
local plan = ctx

ctx = nil
package.preload["alc.testing"], package.loaded["alc.testing"] = nil, nil
kit.plan, kit.read = plan, read

-- clean makes a text fit for JSON.
function kit.clean(s)
  if len(s) then return s end
  return (gsub(s, "[\x80-\xff]", "?"))
end

-- running tells the host which test runs now, in case it never ends.
local started = 0
function kit.running(title)
  started = started + 1
  progress(started, started, kit.clean(title))
  clock() -- what was noted leaves the VM with the next request
end

-- trace is the call stack of the spec, without what called it and without the error handler.
function kit.trace()
  local text = traceback("", 3)
  local from = find(text, "\n\t[C]: in function 'xpcall'\n\t" .. kit.name .. ":", 1, true)
  text = sub(text, 2, from and from - 1)
  return (gsub(text, "\n\t" .. kit.name .. ":[^\n]*", ""))
end

-- shown is an error value as a text.
function kit.shown(e)
  if e == nil then return "an error without a message (nil)" end
  local meta = getmetatable(e)
  if type(e) == "table" and not (type(meta) == "table" and meta.__tostring) then return kit.show(e) end
  local ok, text = pcall(tostring, e)
  return ok and kit.clean(text) or "an error value that cannot be shown"
end

-- What would ask a model has to be replaced by the spec.
for _, name in ipairs { "llm", "llm_batch", "fork" } do
  alc[name] = function()
    local caller = match(traceback("", 2), "\n\t([^\n]-:%d+):")
    error("mock required: alc." .. name .. (caller and " (called at " .. caller .. ")" or "") ..
      ": a spec asks no model; give an answer with with_alc({ " .. name .. " = function(...) … end }, function() … end)", 0)
  end
end
alc.env = nil

function print() end
function warn() end

-- What specs write to a standard stream goes nowhere.
local stream = {}
for _, name in ipairs { "write", "flush", "setvbuf", "close" } do
  stream[name] = function() return stream end
end
io.stdout, io.stderr, io.write, io.flush = stream, stream, stream.write, stream.flush

local temporary = 0
function kit.temporary(stem)
  temporary = temporary + 1
  return plan.tmp .. "/" .. stem .. "-" .. temporary
end

function os.tmpname()
  local path = kit.temporary("lua")
  local file = assert(open(path, "w"))
  file:close()
  return path
end

-- require: preloaded modules, then packages by their exact name, then package.path, which specs
-- may change. A file that no granted directory holds counts as not there.
local templates = {}
for _, dir in ipairs(plan.search or {}) do
  templates[#templates + 1] = dir .. "/?.lua"
  templates[#templates + 1] = dir .. "/?/init.lua"
end
package.path = concat(templates, ";")

local packages = {}
for _, p in ipairs(plan.packages or {}) do packages[p.name] = packages[p.name] or p.dir end

-- first returns the path and the text of the first of some files that is there, or the list of
-- those that are not, as require's messages have it.
local function first(files)
  local tried = {}
  for i, file in ipairs(files) do
    local source = read(file)
    if source then return file, source end
    tried[i] = "\n\tno file '" .. file .. "'"
  end
  return nil, concat(tried)
end

local function in_path(name, path)
  local files = {}
  for template in gmatch(path, "[^;]+") do
    files[#files + 1] = gsub(template, "%?", (gsub(gsub(name, "%.", "/"), "%%", "%%%%")))
  end
  return first(files)
end

-- in_package finds a module of a package that lies in a directory of another name, or that must not
-- be taken for one of the same name in package.path.
local function in_package(name)
  local head, rest = match(name, "^([^.]+)%.?(.*)$")
  local dir = packages[head]
  if dir == nil then return nil, "" end
  if rest == "" then return first { dir .. "/init.lua" } end
  rest = gsub(rest, "%.", "/")
  return first { dir .. "/" .. rest .. ".lua", dir .. "/" .. rest .. "/init.lua" }
end

-- known shortens a path to what messages show: the part below the directory that it was found in.
local function known(file)
  for _, p in ipairs(plan.packages or {}) do
    if sub(file, 1, #p.dir + 1) == p.dir .. "/" then return p.name .. sub(file, #p.dir + 1) end
  end
  for _, dir in ipairs(plan.search or {}) do
    if sub(file, 1, #dir + 1) == dir .. "/" then return sub(file, #dir + 2) end
  end
  return file
end

local function searcher(look)
  return function(name)
    local file, source = look(name)
    if file == nil then return source end
    local fn, why = load(source, "@" .. known(file))
    if fn == nil then error("error loading module '" .. name .. "' from file '" .. file .. "':\n\t" .. why, 0) end
    return fn, file
  end
end

local preload = package.preload
package.searchers = {
  function(name)
    if preload[name] == nil then return "\n\tno field package.preload['" .. name .. "']" end
    return preload[name], ":preload:"
  end,
  searcher(in_package),
  searcher(function(name)
    if type(package.path) ~= "string" then error("'package.path' must be a string", 0) end
    return in_path(name, package.path)
  end),
}

function package.searchpath(name, path)
  local file, tried = in_path(name, path)
  if file then return file end
  return nil, tried
end
