--@ alc parse_score parse_number json_extract
-- Reading values out of what a model wrote.
local sys, alc, lib, def = ...
local type, tostring, tonumber, error, pcall = type, tostring, tonumber, error, pcall
local byte, find, match, sub = string.byte, string.find, string.match, string.sub

-- parse_score reads the first whole number as a score from 1 to 10.
function def.parse_score(str, default)
  local digits = match(tostring(str), "%d+")
  if digits == nil then return default or 5 end
  local n = tonumber(digits)
  return n < 1 and 1 or n > 10 and 10 or n
end

-- parse_number reads the first number, or what a pattern's first capture (or match) holds.
function def.parse_number(str, pattern)
  if type(str) ~= "string" then return nil end
  local ok, found = pcall(match, str, pattern or "-?%d+%.?%d*")
  if not ok then error(found, 2) end
  return tonumber(found)
end

-- decoded returns the table that a JSON text holds; nil for other values and other texts.
local function decoded(json)
  local ok, value = pcall(alc.json_decode, json)
  if ok and type(value) == "table" then return value end
  return nil
end

-- fenced returns what stands in the first code fence that is marked json, else in the first.
local function fenced(raw)
  local _, open = find(raw, "```json", 1, true)
  if open == nil or not find(raw, "```", open + 1, true) then
    _, open = find(raw, "```", 1, true)
  end
  local close = open and find(raw, "```", open + 1, true)
  return close and sub(raw, open + 1, close - 1)
end

-- groups finds the outermost balanced groups of a text, left to right: where they begin, where
-- they end, how many. An opening that is never closed makes no group and hides none. It is one
-- pass however unbalanced the text, and knows nothing of strings.
local function groups(raw, brackets, open)
  local from, to, n = {}, {}, 0
  local pending, depth = {}, 0
  local at = find(raw, brackets)
  while at do
    if byte(raw, at) == open then
      depth = depth + 1
      pending[depth] = at
    elseif depth > 0 then
      local start = pending[depth]
      depth = depth - 1
      while n > 0 and from[n] > start do n = n - 1 end
      n = n + 1
      from[n], to[n] = start, at
    end
    at = find(raw, brackets, at + 1)
  end
  return from, to, n
end

local function first_group(raw, brackets, open)
  local from, to, n = groups(raw, brackets, byte(open))
  for i = 1, n do
    local value = decoded(sub(raw, from[i], to[i]))
    if value then return value end
  end
  return nil
end

-- json_extract finds an object or array: the whole text, a code fence, a balanced group of
-- braces, a balanced group of brackets. The first that decodes wins.
function def.json_extract(raw)
  if type(raw) ~= "string" then return nil end
  local value = decoded(raw)
  if value then return value end
  local block = fenced(raw)
  value = block and decoded(block)
  if value then return value end
  return first_group(raw, "[{}]", "{") or first_group(raw, "[%[%]]", "[")
end
