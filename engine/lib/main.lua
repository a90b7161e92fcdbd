-- The session: waits for a script, runs it, and says how it ended. A true return ends the VM
-- with lib.code, lib.message and lib.traceback.
local type, tostring, pcall, xpcall = type, tostring, pcall, xpcall
local find, sub = string.find, string.sub
local encode, decode, load, traceback = sys.json_encode, sys.json_decode, sys.load, sys.traceback

_G.alc = alc

local code, name, ctx_json, seed, namespace, dirs, variables = sys.request("ready")
sys.seed(seed)
lib.child = namespace ~= nil
rawset(alc, "_dirs", dirs)
lib.variables = variables

-- A function's body, as the original wraps it, but on the script's own line 1: the numbers in
-- messages are those of the file.
local main, why = load("return function() " .. code .. "\nend", name)
if main == nil then
  -- Without the wrapper the message names the right place of an unfinished block.
  local plain, plainly = load(code, name)
  lib.code, lib.message = "syntax_error", plain == nil and plainly or why
  return true
end
code = nil

ctx = ctx_json ~= nil and decode(ctx_json) or {}
if ctx_json == "false" then ctx = false end
lib.namespace = namespace or "default"
if not lib.child and type(ctx) == "table" and type(ctx._ns) == "string" then lib.namespace = ctx._ns end

-- The traceback ends where the script does: what called it is the library's business.
local function trace()
  local text = traceback("", 3)
  local last
  local from = 1
  while true do
    local at = find(text, "\n\t[C]: in function 'xpcall'\n\talc:", from, true)
    if at == nil then break end
    last, from = at, at + 1
  end
  text = last and sub(text, 1, last - 1) or text
  return sub(text, 2)
end

local function failed(e)
  local ok, msg = pcall(tostring, e)
  return { message = ok and msg or "(an error value that cannot be shown)", traceback = trace() }
end

local ok, result = xpcall(main(), failed)
if lib.write_out then lib.write_out() end
if not ok then
  lib.code = "lua_error"
  if type(result) == "table" then
    lib.message, lib.traceback = result.message, result.traceback
  else
    lib.message = tostring(result)
  end
  return true
end

local encoded, json = pcall(encode, result)
if encoded then
  lib.code, lib.message = "completed", json
else
  lib.code, lib.message = "lua_error", tostring(json)
end
return true
