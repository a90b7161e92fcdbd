-- What a script says: alc.log, print, warn. It goes to the session's log.
local type, tostring, select = type, tostring, select
local format, byte, sub, concat = string.format, string.byte, string.sub, table.concat
local mathtype = math.type
local note, text = sys.note, lib.text

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
  local last = #line
  while byte(line, last) == 10 do last = last - 1 end
  note("log", "info", "alc.lua.print", sub(line, 1, last))
end

-- warn is Lua's: its messages are a warning in the log; control messages are of no use here.
function warn(...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = text((select(i, ...)), "warn", i) end
  note("log", "warn", "alc.lua.warn", concat(parts))
end
