-- What a script says: alc.log, print, warn. It goes to the session's log.
local type, tostring, select, pcall, error = type, tostring, select, pcall, error
local byte, sub, concat = string.byte, string.sub, table.concat
local mathtype, huge = math.type, math.huge
local note, text, shortest = sys.note, lib.text, sys.json_encode

function alc.log(level, msg)
  note("log", text(level, "log", 1), "alc.log", text(msg, "log", 2))
end

-- shown is tostring, with all digits of a float, and with no place of ours in an error.
local function shown(v)
  if mathtype(v) == "float" then
    if v ~= v then return "nan" end
    return v < huge and v > -huge and shortest(v) or tostring(v)
  end
  if type(v) == "string" then return v end
  local ok, s = pcall(tostring, v)
  if not ok then error(s, 0) end
  return s
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
