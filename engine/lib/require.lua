-- require and the package table. Files are found by the host, in package directories alone,
-- whatever a script writes into package.path.
local type, error, tostring, rawget = type, error, tostring, rawget
local concat = table.concat
local request, load = sys.request, sys.load
local text = lib.text

local loaded, preload = {}, {}

local function installed(name)
  name = text(name, "searcher", 1)
  local ok, chunk, source = request("module", name)
  if not ok then return "\n\t" .. chunk end
  local fn, err = load(source, chunk)
  if fn == nil then
    error("error loading module '" .. name .. "' from '" .. chunk .. "':\n\t" .. err, 0)
  end
  return fn, chunk
end

local function preloaded(name)
  name = text(name, "searcher", 1)
  local fn = preload[name]
  if fn == nil then return "\n\tno field package.preload['" .. name .. "']" end
  return fn, ":preload:"
end

package = {
  loaded = loaded,
  preload = preload,
  path = "",
  cpath = "",
  config = "/\n;\n?\n!\n-\n",
  searchers = { installed, preloaded },
}

function package.searchpath(name)
  local ok, chunk = request("module", text(name, "searchpath", 1))
  if ok then return chunk end
  return nil, chunk
end

-- require is Lua and not C so that a module may call the model while it loads.
function require(name)
  name = text(name, "require", 1)
  local found = loaded[name]
  if found then return found end -- a false one does not count, as in Lua
  local searchers = package.searchers
  if type(searchers) ~= "table" then error("'package.searchers' must be a table", 2) end
  local tried, loader, extra = {}, nil, nil
  local i = 1
  while true do
    local searcher = searchers[i]
    if searcher == nil then
      error("module '" .. name .. "' not found:" .. concat(tried), 2)
    end
    loader, extra = searcher(name)
    if type(loader) == "function" then break end
    if type(loader) == "string" then tried[#tried + 1] = loader end
    i = i + 1
  end
  local value = loader(name, extra)
  if value ~= nil then
    loaded[name] = value
  elseif loaded[name] == nil then
    loaded[name] = true
  end
  return loaded[name], extra
end

for _, name in ipairs { "string", "table", "math", "utf8", "coroutine", "os", "io", "package" } do
  loaded[name] = _G[name]
end
loaded._G = _G

preload.evalframe = function() return lib.theme("evalframe") end
preload["alc.testing"] = function() return lib.theme("testing") end
