--@ alc chunk fingerprint
-- Helpers over plain text: windows for long inputs, and hashes that forgive how a text is laid out.
local sys, alc, lib, def = ...
local tostring = tostring
local byte, find, format, gsub, lower, match, sub =
  string.byte, string.find, string.format, string.gsub, string.lower, string.match, string.sub
local offset = utf8.offset
local text, options, whole = lib.text, lib.options, lib.whole

-- count reads an option that is a number of units, a fraction of one cut off; what is negative or
-- no number gives the default.
local function count(v, default)
  local n = whole(v)
  if n == nil or n < 0 then return default end
  return n
end

-- line_starts returns where each of the n lines of a text begins, and as number n + 1 where one
-- after them would: line i ends two before line i + 1 begins. A newline at the end begins no line.
local function line_starts(str)
  local starts, n, at = { 1 }, 0, 1
  while at <= #str do
    at = (find(str, "\n", at, true) or #str + 1) + 1
    n = n + 1
    starts[n + 1] = at
  end
  return starts, n
end

local function chunk_lines(str, size, step)
  if find(str, "\r\n", 1, true) then str = gsub(str, "\r\n", "\n") end
  local starts, n = line_starts(str)
  local chunks, first = {}, 1
  while first <= n do
    if n - first < size then
      chunks[#chunks + 1] = sub(str, starts[first], starts[n + 1] - 2)
      break
    end
    chunks[#chunks + 1] = sub(str, starts[first], starts[first + size] - 2)
    first = first + step
  end
  return chunks
end

local function chunk_chars(str, size, step)
  local chunks, first = {}, 1
  while first <= #str do
    local past = size < #str and offset(str, size + 1, first)
    if not past or past > #str then
      chunks[#chunks + 1] = sub(str, first)
      break
    end
    chunks[#chunks + 1] = sub(str, first, past - 1)
    first = offset(str, step + 1, first)
  end
  return chunks
end

-- chunk cuts a text into windows of `size` lines (or characters, with mode "chars"), each of
-- which repeats the last `overlap` of the one before.
function def.chunk(str, opts)
  str = text(str, "chunk", 1)
  opts = options(opts, "chunk", 2)
  local size, overlap = count(opts.size, 50), count(opts.overlap, 0)
  if size == 0 or str == "" then return sys.array {} end
  local step = overlap < size and size - overlap or 1
  local cut = opts.mode == "chars" and chunk_chars or chunk_lines
  return sys.array(cut(str, size, step))
end

-- fingerprint folds ASCII case and white space and hashes what is left (DJB2, 32 bits).
function def.fingerprint(str)
  local s = gsub(lower(tostring(str)), "[ \t-\r]+", " ")
  local first, last = 1, #s
  if byte(s, 1) == 32 then first = 2 end
  if last >= first and byte(s, last) == 32 then last = last - 1 end
  local h, at = 5381, first
  -- Integers wrap at 64 bits, which leaves the lower 32 what they should be.
  while at + 3 <= last do
    local a, b, c, d = byte(s, at, at + 3)
    h = (((h * 33 + a) * 33 + b) * 33 + c) * 33 + d
    at = at + 4
  end
  while at <= last do
    h = h * 33 + byte(s, at)
    at = at + 1
  end
  return format("%08x", h & 0xffffffff)
end
