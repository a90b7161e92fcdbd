-- string.format that survives the numbers of a model.
local sys, alc, lib, def = ...
local type, tonumber, error, select = type, tonumber, error, select
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

-- fmt is string.format, but integer conversions round fractions and take numeric strings, NaN
-- and infinities are written as words, and %s of nil is <nil>.
function def.fmt(fmt, ...)
  if fmt == nil then return "" end
  if type(fmt) ~= "string" then
    error(format("bad argument #1 to 'fmt' (string expected, got %s)", type(fmt)), 2)
  end
  local args, n = { ... }, select("#", ...)
  local pieces, done, used, at = {}, 1, 0, 1
  while true do
    local from, to, modifiers, conversion = find(fmt, "%%([-+ #%d.]*)(.?)", at)
    if from == nil then break end
    local what = kind[conversion]
    if what then used = used + 1 end
    if what == "text" and args[used] == nil and used <= n then
      args[used] = "<nil>"
    elseif what == "integer" then
      local word
      args[used], word = integer(args[used])
      if word then
        args[used] = word
        -- A word takes a width and a side, no other flag.
        local left = find(modifiers, "^[+ #0]*%-") and "-" or ""
        pieces[#pieces + 1] = sub(fmt, done, from) .. left .. gsub(modifiers, "^[-+ #0]*", "") .. "s"
        done = to + 1
      end
    end
    at = to + 1
  end
  if done > 1 then fmt = concat(pieces) .. sub(fmt, done) end
  -- A tail call, so that an error of string.format names the caller's line.
  return format(fmt, unpack(args, 1, n))
end

function def.log_fmt(level, fmt, ...)
  return alc.log(level, alc.fmt(fmt, ...))
end
