--@ alc progress time budget_remaining
-- A script's own run: its progress, the time, the budget that is left.
local sys, alc, lib, def = ...
local type, tostring, error, format = type, tostring, error, string.format
local request, note = sys.request, sys.note
local text, whole = lib.text, lib.whole

local function count(v, i)
  local n = whole(v)
  if n == nil or n < 0 then
    error(format("bad argument #%d to 'progress' (non-negative integer expected, got %s)", i, tostring(v)), 3)
  end
  return n
end

function def.progress(step, total, msg)
  step, total = count(step, 1), count(total, 2)
  if msg ~= nil then msg = text(msg, "progress", 3) end
  note("progress", step, total, msg)
end

function def.time() return (request("time")) end

function def.budget_remaining()
  local some, calls, elapsed, tokens = request("remaining")
  if not some then return nil end
  return { llm_calls = calls, elapsed_ms = elapsed, tokens = tokens }
end
