--@ alc fork
-- alc.fork: several strategies side by side, each in a VM of its own, their queries asked
-- together.
local sys, alc, lib, def = ...
local type, error, ipairs = type, error, ipairs
local find, format = string.find, string.format
local unpack = table.unpack
local request, encode, decode = sys.request, sys.json_encode, sys.json_decode

function def.fork(strategies, ctx, opts)
  if type(strategies) ~= "table" then
    error(format("bad argument #1 to 'fork' (table expected, got %s)", type(strategies)), 2)
  end
  if type(ctx) ~= "table" then
    error(format("bad argument #2 to 'fork' (table expected, got %s)", ctx == nil and "no value" or type(ctx)), 2)
  end
  local names = {}
  for i = 1, #strategies do -- with a hole in them they are refused, not cut short
    local name = strategies[i]
    if type(name) ~= "string" or not find(name, "^[%w_]+$") then
      error(format("alc.fork: invalid strategy name %s", type(name) == "string" and "'" .. name .. "'" or type(name)), 2)
    end
    names[i] = name
  end
  if #names == 0 then error("alc.fork: strategies must be a non-empty array", 2) end
  local reply = { request("fork", encode(ctx), unpack(names)) }
  lib.count(reply[1])
  local results, failed = {}, nil
  for i, name in ipairs(names) do
    local ok, text = reply[2 * i], reply[2 * i + 1]
    if ok then
      results[i] = { strategy = name, ok = true, result = decode(text) }
    else
      results[i] = { strategy = name, ok = false, error = text }
      failed = failed or results[i]
    end
  end
  local mode = type(opts) == "table" and opts.on_error
  if failed and (mode == "abort" or mode == "fail") then
    error(format("alc.fork: strategy '%s' failed: %s", failed.strategy, failed.error), 2)
  end
  return results
end
