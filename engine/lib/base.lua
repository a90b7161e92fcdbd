-- What every part of the library needs. Scripts may replace any global or any member of a
-- standard table, so each part takes what it uses before the first script runs.
local type, tostring, tonumber, error, pcall = type, tostring, tonumber, error, pcall
local format, gsub = string.format, string.gsub
local is_utf8 = sys.is_utf8

-- A note's text is cut a little behind where the session's log cuts it: there is no more room for
-- notes than a few MiB, and no print fails for its length.
local note, sub, MOST = sys.note, string.sub, 65537
function sys.note(kind, a, b, msg)
  if type(msg) == "string" and #msg > MOST then msg = sub(msg, 1, MOST) end
  note(kind, a, b, msg)
end

-- pristine is what a theme sees as its globals: the standard functions as they were before the
-- first script ran, however late the theme is loaded. Every VM holds it, so it has few names.
local pristine = { _G = _G }

local function keep(into, from, names)
  for name in string.gmatch(names, "%w+") do into[name] = from[name] end
  return into
end

keep(pristine, _G, "error getmetatable ipairs next pairs pcall rawget rawlen select setmetatable tonumber tostring type")
pristine.math = keep({}, math, "abs ceil exp floor fmod huge log max maxinteger min mininteger modf pi sqrt tointeger type")
pristine.string = keep({}, string, "byte char find format gmatch gsub len lower match rep reverse sub upper")
pristine.table = keep({}, table, "concat insert move pack remove sort unpack")
pristine.utf8 = keep({}, utf8, "char charpattern codepoint codes len offset")
lib.pristine = pristine

-- text returns a string argument; a number counts as its text.
function lib.text(v, fname, i)
  local t = type(v)
  if t == "number" then return tostring(v) end
  if t ~= "string" then
    error(format("bad argument #%d to '%s' (string expected, got %s)", i, fname, v == nil and "no value" or t), 3)
  end
  if not is_utf8(v) then
    error(format("bad argument #%d to '%s' (text is not valid UTF-8)", i, fname), 3)
  end
  return v
end

-- options returns an optional table of options; without one, an empty table.
function lib.options(v, fname, i)
  if v == nil then return {} end
  if type(v) == "table" then return v end
  error(format("bad argument #%d to '%s' (table expected, got %s)", i, fname, type(v)), 3)
end

-- shown returns an error value as a text that may be logged and encoded.
function lib.shown(e)
  local ok, s = pcall(tostring, e)
  if not ok then return "(an error value that cannot be shown)" end
  if is_utf8(s) then return s end
  return (gsub(s, "[\x80-\xff]", "?"))
end

-- whole returns a number, or the number in a text, cut toward zero; nil when there is none.
function lib.whole(v)
  local t = type(v)
  if t == "string" then v = tonumber(v) elseif t ~= "number" then return nil end
  if v == nil or v ~= v or v >= 2 ^ 63 or v < -2 ^ 63 then return nil end
  if v < 0 then return -(-v // 1) | 0 end
  return v // 1 | 0
end

-- here is where the script stands, as error messages have it. The library's own lines are nobody's
-- business.
local traceback, find, match, gmatch = sys.traceback, string.find, string.match, string.gmatch
local function here()
  for line in gmatch(traceback("", 1), "\n\t([^\n]+)") do
    local at = match(line, "^([^[].-:%d+: )in ")
    if at and (find(at, "^alc%.lua:") or not find(at, "^alc[:.]")) then return at end
  end
  return ""
end

-- What scripts call requests whose names are not theirs.
local called = {
  ask = "alc.llm", fork = "alc.fork", module = "require", unix = "os.time", mktime = "os.time", date = "os.date",
  clock = "os.clock", getenv = "os.getenv", remaining = "alc.budget_remaining", ["state.swap"] = "alc.state.update",
  ["file.read"] = "io.open", ["file.write"] = "writing a file", ["file.remove"] = "os.remove", ["file.rename"] = "os.rename",
}
local LOADED = "%s%s: cannot be loaded here, where no script can pause: inside %s; use it once before"
local BLOCKED = "%s%s: cannot pause here: inside %s; call it before or after, and pass the value in"

sys.blocked(function(obstacle, op, a, b)
  if op == "member" then return format(LOADED, here(), a .. "." .. b, obstacle) end
  if op == "members" or op == "theme" then return format(LOADED, here(), a, obstacle) end
  return format(BLOCKED, here(), called[op] or "alc." .. op, obstacle)
end)

alc.json_encode = sys.json_encode
alc.json_decode = function(s)
  if type(s) == "number" then s = tostring(s) end
  return sys.json_decode(s)
end
