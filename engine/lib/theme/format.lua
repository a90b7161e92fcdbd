--@ alc fmt log_fmt
-- string.format that survives the numbers of a model.
local sys, alc, lib, def = ...
local type, tonumber, error, pcall, select = type, tonumber, error, pcall, select
local find, format, gmatch, gsub, sub = string.find, string.format, string.gmatch, string.gsub, string.sub
local concat, unpack = table.concat, table.unpack
local floor, ceil, huge, mathtype = math.floor, math.ceil, math.huge, math.type

-- What each conversion does with its argument. Those that are not listed take none here.
local kind = { s = "text" }
for c in gmatch("diouxXc", ".") do kind[c] = "integer" end
for c in gmatch("qeEfgGp", ".") do kind[c] = "as it is" end

local function name_of(n)
  if n ~= n then return "NaN" end
  if n == huge then return "Inf" end
  if n == -huge then return "-Inf" end
  return nil
end

-- rounded goes half away from zero, without the error that adding 0.5 first would bring.
local function rounded(n)
  if n < 0 then
    local up = ceil(n)
    return up - n >= 0.5 and up - 1 or up
  end
  local down = floor(n)
  return n - down >= 0.5 and down + 1 or down
end

-- integer makes an argument fit for an integer conversion: the number, or the word for one that
-- is none. What is neither stays as it is, for string.format to complain about.
local function integer(v)
  if type(v) == "string" then v = tonumber(v) or v end
  if mathtype(v) ~= "float" then return v, nil end
  local word = name_of(v)
  if word then return v, word end
  return rounded(v), nil
end

-- as_word turns a conversion into one for a word, which takes a width and a side and no other flag.
local function as_word(modifiers)
  local left = find(modifiers, "^[+ #0]*%-") and "-" or ""
  return "%" .. left .. gsub(modifiers, "^[-+ #0]*", "") .. "s"
end

-- prepared makes n arguments fit for the conversions of a format, in place, and returns the
-- format that they fit.
local function prepared(fmt, args, n)
  local pieces, done, used, at = {}, 1, 0, 1
  while true do
    local from, to, modifiers, conversion = find(fmt, "%%([-+ #%d.]*)(.?)", at)
    if from == nil then break end
    local what = kind[conversion]
    if what then used = used + 1 end
    if what == "text" and args[used] == nil and used <= n then
      args[used] = "<nil>"
    elseif what == "integer" then
      local v, word = integer(args[used])
      args[used] = word or v
      if word then
        pieces[#pieces + 1] = sub(fmt, done, from - 1) .. as_word(modifiers)
        done = to + 1
      end
    end
    at = to + 1
  end
  if done == 1 then return fmt end
  return concat(pieces) .. sub(fmt, done)
end

-- fmt is string.format, but integer conversions round fractions and take numeric strings, NaN
-- and infinities are written as words, and %s of nil is <nil>.
function def.fmt(fmt, ...)
  if fmt == nil then return "" end
  if type(fmt) ~= "string" then
    error(format("bad argument #1 to 'fmt' (string expected, got %s)", type(fmt)), 2)
  end
  local args, n = { ... }, select("#", ...)
  local ok, result = pcall(format, prepared(fmt, args, n), unpack(args, 1, n))
  if not ok then error(result, 2) end
  return result
end

function def.log_fmt(level, fmt, ...)
  local ok, msg = pcall(alc.fmt, fmt, ...)
  if not ok then error(msg, 2) end
  return alc.log(level, msg)
end
