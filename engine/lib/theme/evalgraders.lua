-- The graders that come with evalframe: by comparison, and by a judge.
local sys, alc, lib, def = ...
local type, error, ipairs, tonumber, tostring, pcall = type, error, ipairs, tonumber, tostring, pcall
local find, sub, match, gsub, lower, byte, format = string.find, string.sub, string.match, string.gsub, string.lower, string.byte, string.format
local concat = table.concat
local max, min = math.max, math.min
local parts = lib.theme("evalparts")

local function expecting(name, holds)
  return parts.new_grader(name, function(response, case)
    for _, want in ipairs(case.expected or {}) do
      if holds(response.text, want) then return true end
    end
    return false
  end)
end

local g = {
  exact_match = expecting("exact_match", function(text, want) return text == want end),
  contains = expecting("contains", function(text, want) return find(text, want, 1, true) ~= nil end),
  starts_with = expecting("starts_with", function(text, want) return sub(text, 1, #want) == want end),
  regex = parts.new_grader("regex", function(response, case)
    local pattern = case.context and case.context.pattern or (case.expected or {})[1]
    if pattern == nil then return false end
    return find(response.text, pattern) ~= nil
  end),
  json_valid = parts.new_grader("json_valid", function(response) return (pcall(sys.json_decode, response.text)) end),
  not_empty = parts.new_grader("not_empty", function(response) return #response.text > 0 end),
  length = parts.new_grader("length", function(response) return #response.text end),
  latency = parts.new_grader("latency", function(response) return response.latency_ms end),
}
g.valid_json_response = parts.grader.all(g.not_empty, g.json_valid)
g.flexible_match = parts.grader.any(g.exact_match, g.contains)
def.graders = g

-- ---- judges

local function slug(text)
  local h = 5381
  for i = 1, #text do h = (h * 33 + byte(text, i)) % 0x7fffffff end
  return lower((gsub(sub(text, 1, 32), "[^%w_]", "_"))) .. format("_%07x", h)
end

-- reply asks a provider and returns the text of its answer, or nil and why not.
local function reply(provider, prompt)
  local answer = provider(prompt)
  if type(answer) == "table" then
    if answer.error ~= nil then return nil, "judge: " .. tostring(answer.error) end
    answer = answer.text
  end
  if type(answer) ~= "string" then return nil, "judge: the provider gave a " .. type(answer) .. ", not a text" end
  return answer
end

local function rating(provider, prompt, low, high)
  local text, why = reply(provider, prompt)
  if text == nil then return nil, why end
  local n = tonumber(match(text, "%d+%.?%d*") or "")
  if n == nil then return nil, "judge: no number in the reply: " .. sub(text, 1, 100) end
  return max(low, min(high, n))
end

local function provider_of(what, opts)
  local p = type(opts) == "table" and opts.provider
  if type(p) ~= "function" then error(what .. ": opts.provider must be a function", 3) end
  return p
end

local function exchange(response, case)
  return "<input>\n" .. case.input .. "\n</input>\n\n<response>\n" .. response.text .. "\n</response>\n\n"
end

def.prompts = {
  rubric = function(text, low, high, response, case)
    return "You are judging a response to an input.\n\n" .. exchange(response, case) .. "<rubric>\n" .. text ..
      "\n</rubric>\n\nRate the response by the rubric on a scale from " .. low .. " to " .. high ..
      ". Reply with only a number."
  end,
  yes_no = function(question, response, case)
    return "You are judging a response to an input.\n\n" .. exchange(response, case) .. "Question: " .. question ..
      "\n\nReply with yes or no as the first word."
  end,
  factuality = function(response, case)
    return "You are judging whether a response is factually right.\n\n" .. exchange(response, case) ..
      "<expected>\n" .. concat(case.expected or {}, " OR ") ..
      "\n</expected>\n\nRate how well the response agrees with what is expected, from 1 (contradicts it) to 5 (agrees" ..
      " fully). Reply with only a number."
  end,
}

def.llm_graders = {
  rubric = function(text, opts)
    local provider = provider_of("rubric", opts)
    local low, high = opts.scale_min or 1, opts.scale_max or 5
    return parts.new_grader("llm_judge:" .. slug(text), function(response, case)
      return rating(provider, def.prompts.rubric(text, low, high, response, case), low, high)
    end)
  end,
  yes_no = function(question, opts)
    local provider = provider_of("yes_no", opts)
    return parts.new_grader("llm_yes_no:" .. slug(question), function(response, case)
      local text, why = reply(provider, def.prompts.yes_no(question, response, case))
      if text == nil then return nil, why end
      return lower(match(text, "%a+") or "") == "yes"
    end)
  end,
  factuality = function(opts)
    local provider = provider_of("factuality", opts)
    return parts.new_grader("llm_factuality", function(response, case)
      return rating(provider, def.prompts.factuality(response, case), 1, 5)
    end)
  end,
}
