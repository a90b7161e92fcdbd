-- Values as messages show them, and where two of them differ.
local kit = ...
local type, tostring, pairs, rawlen = type, tostring, pairs, rawlen
local format, gsub, byte, find, sub = string.format, string.gsub, string.byte, string.find, string.sub
local concat, mathtype = table.concat, math.type

local LONGEST, DEEPEST, MOST = 400, 4, 40 -- bytes of a text, levels and members of a table

local escapes = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ['"'] = '\\"', ["\\"] = "\\\\" }

local function quoted(s)
  local cut = #s > LONGEST
  if cut then s = sub(s, 1, LONGEST) end
  s = gsub(kit.clean(s), '[%c"\\]', function(c) return escapes[c] or format("\\%03d", byte(c)) end)
  return '"' .. s .. '"' .. (cut and "…" or "")
end

local show

local function key(k, depth, above)
  if type(k) == "string" and find(k, "^[%a_][%w_]*$") then return k end
  return "[" .. show(k, depth, above) .. "]"
end

local function members(t, depth, above)
  local parts, n = {}, rawlen(t)
  local function add(text)
    parts[#parts + 1] = text
    return #parts < MOST
  end
  for i = 1, n do
    if not add(show(t[i], depth, above)) then break end
  end
  for k, v in pairs(t) do
    if #parts >= MOST then
      parts[#parts + 1] = "…"
      break
    end
    if not (mathtype(k) == "integer" and k >= 1 and k <= n) then add(key(k, depth, above) .. " = " .. show(v, depth, above)) end
  end
  return parts
end

function show(v, depth, above)
  if type(v) == "string" then return quoted(v) end
  if type(v) ~= "table" then return v == nil and "nil" or kit.shown(v) end
  depth, above = (depth or 0) + 1, above or {}
  if above[v] then return "{ … the same table … }" end
  if depth > DEEPEST then return "{ … }" end
  above[v] = true
  local parts = members(v, depth, above)
  above[v] = nil
  if #parts == 0 then return "{}" end
  return "{ " .. concat(parts, ", ") .. " }"
end

local function same(a, b, eps)
  if a == b then return true end
  return type(a) == "number" and type(b) == "number" and a - b <= eps and b - a <= eps
end

-- step adds a key to the path of a member.
local function step(path, k)
  if type(k) == "string" and find(k, "^[%a_][%w_]*$") then return path .. "." .. k end
  return path .. "[" .. show(k) .. "]"
end

-- difference returns where two values differ, and what is there in both; nothing when they are
-- equal: numbers within eps, tables member by member, whatever their metatables.
local function difference(a, b, eps, path, seen)
  if type(a) ~= "table" or type(b) ~= "table" then
    if same(a, b, eps) then return nil end
    return path, a, b
  end
  if a == b or seen[a] == b then return nil end
  local before = seen[a]
  seen[a] = b
  for k, v in pairs(a) do
    local at, x, y = difference(v, b[k], eps, step(path, k), seen)
    if at then return at, x, y end
  end
  for k, v in pairs(b) do
    if a[k] == nil then return step(path, k), nil, v end
  end
  seen[a] = before
  return nil
end

kit.show = show
function kit.difference(a, b, eps) return difference(a, b, eps or 0, "", {}) end
