-- alc.llm and alc.llm_batch: queries to whoever plays the LLM.
local type, error, tostring = type, error, tostring
local format, rawlen = string.format, rawlen
local unpack = table.unpack
local request, is_utf8, decode = sys.request, sys.is_utf8, sys.json_decode
local text, whole = lib.text, lib.whole

local asked = 0 -- queries of this session so far
function lib.asked() return asked end

-- count adds the queries of a fork's children to those of their parent.
function lib.count(n) asked = asked + n end

local DEFAULT_TOKENS, MOST_TOKENS = 1024, 4294967295

local function max_tokens(v)
  local n = whole(v)
  if n == nil or n < 0 or n > MOST_TOKENS then return DEFAULT_TOKENS end
  if type(v) == "number" and v < 0 then return DEFAULT_TOKENS end
  return n
end

-- word returns an optional text; in loose mode a number counts as its text.
local function word(v, loose)
  if loose and type(v) == "number" then v = tostring(v) end
  if type(v) == "string" and is_utf8(v) then return v end
  return nil
end

-- past puts the cards that opts.card_context names before the system text. They are read once and
-- recorded; none found, or nothing that can be read, leaves the text as it was.
local function past(context, system)
  local block
  if type(context) == "string" and is_utf8(context) then
    block = request("card.past", context, nil, 0)
  elseif type(context) == "table" then
    local pkg, limit = word(context.pkg, true), whole(context.limit)
    if pkg == nil then return system end
    if limit == nil or limit < 0 then limit = 5 end
    block = request("card.past", nil, pkg, limit)
  end
  if block == nil then return system end
  block = decode(block)
  if system == nil then return block end
  return block .. "\n\n" .. system
end

function alc.llm(prompt, opts)
  prompt = text(prompt, "llm", 1)
  if opts == nil then
    asked = asked + 1
    return request("ask", prompt, nil, DEFAULT_TOKENS, false, false, nil, nil)
  end
  if type(opts) ~= "table" then
    error(format("bad argument #2 to 'llm' (table expected, got %s)", type(opts)), 2)
  end
  local system, limit = word(opts.system, true), max_tokens(opts.max_tokens)
  if opts.card_context ~= nil then system = past(opts.card_context, system) end
  local grounded, underspecified = not not opts.grounded, not not opts.underspecified
  local role, breakpoint = word(opts.role, true), word(opts.cache_breakpoint, true)
  asked = asked + 1
  return request("ask", prompt, system, limit, grounded, underspecified, role, breakpoint)
end

function alc.llm_batch(items)
  if type(items) ~= "table" then
    error(format("bad argument #1 to 'llm_batch' (table expected, got %s)", items == nil and "no value" or type(items)), 2)
  end
  local n = rawlen(items)
  if n == 0 then error("alc.llm_batch: empty items array", 2) end
  local args = {}
  for i = 1, n do
    local item = items[i]
    if type(item) ~= "table" then
      error(format("alc.llm_batch: item %d must be a table with a prompt, got %s", i, type(item)), 2)
    end
    local prompt = item.prompt
    if type(prompt) == "number" then prompt = tostring(prompt) end
    if type(prompt) ~= "string" or not is_utf8(prompt) then
      error(format("alc.llm_batch: item %d: prompt must be a text in UTF-8, got %s", i, type(item.prompt)), 2)
    end
    local at = (i - 1) * 7
    args[at + 1] = prompt
    args[at + 2] = word(item.system)
    args[at + 3] = max_tokens(item.max_tokens)
    args[at + 4] = not not item.grounded
    args[at + 5] = not not item.underspecified
    args[at + 6] = word(item.role)
    args[at + 7] = word(item.cache_breakpoint)
  end
  asked = asked + n
  return { request("ask", unpack(args, 1, n * 7)) }
end
