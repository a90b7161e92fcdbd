-- What a script says about itself: log, print, progress, statistics; and what it may ask about
-- its own run: the time, the budget that is left.
local type, tostring, error, select = type, tostring, error, select
local format, match, concat = string.format, string.match, table.concat
local mathtype = math.type
local request, note, encode, decode = sys.request, sys.note, sys.json_encode, sys.json_decode
local text, whole = lib.text, lib.whole

function alc.log(level, msg)
  note("log", text(level, "log", 1), "alc.log", text(msg, "log", 2))
end

local function shown(v)
  local t = mathtype(v)
  if t == "float" then
    if v == v // 1 and v < 1e15 and v > -1e15 then return format("%.1f", v) end
    return format("%.17g", v) + 0.0 == v and tostring(v) or format("%.17g", v)
  end
  if t == "integer" or v == nil or type(v) == "boolean" then return tostring(v) end
  if type(v) == "string" then return v end
  return type(v)
end

-- print goes to the session's log, never to a stream of the process.
function print(...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = shown((select(i, ...))) end
  local line = concat(parts, "\t")
  note("log", "info", "alc.lua.print", match(line, "^(.-)\n*$"))
end

-- warn is Lua's: its messages are a warning in the log; control messages are of no use here.
function warn(...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = text((select(i, ...)), "warn", i) end
  note("log", "warn", "alc.lua.warn", concat(parts))
end

local function count(v, i)
  local n = whole(v)
  if n == nil or n < 0 then
    error(format("bad argument #%d to 'progress' (non-negative integer expected, got %s)", i, tostring(v)), 3)
  end
  return n
end

function alc.progress(step, total, msg)
  step, total = count(step, 1), count(total, 2)
  if msg ~= nil then msg = text(msg, "progress", 3) end
  note("progress", step, total, msg)
end

local recorded = {}
alc.stats = {}

function alc.stats.record(key, value)
  key = text(key, "record", 1)
  local json = encode(value)
  recorded[key] = json
  note("stat", key, json)
end

function alc.stats.get(key)
  local json = recorded[text(key, "get", 1)]
  if json == nil then return nil end
  return decode(json)
end

-- A child of alc.fork reads 0: its queries are counted by its parent.
function alc.stats.llm_calls() return lib.child and 0 or lib.asked() end

function alc.time() return (request("time")) end

function alc.budget_remaining()
  local some, calls, elapsed, tokens = request("remaining")
  if not some then return nil end
  return { llm_calls = calls, elapsed_ms = elapsed, tokens = tokens }
end
