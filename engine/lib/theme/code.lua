-- loadfile and dofile: source from files that a grant opens.
local sys, alc, lib, def = ...
local error, request, load, text = error, sys.request, sys.load, lib.text

function def.loadfile(path, mode, env)
  path = text(path, "loadfile", 1)
  local source, why, _, grant = request("file.read", path)
  if source == nil then
    if grant then error(path .. ": " .. why, 2) end
    return nil, "cannot open " .. path .. ": " .. why
  end
  if mode == "b" then return nil, "attempt to load a text chunk (mode is 'b')" end
  if env == nil then return load(source, path) end
  return load(source, path, env)
end

function def.dofile(path)
  local fn, why = def.loadfile(path)
  if fn == nil then error(why, 2) end
  return fn()
end
