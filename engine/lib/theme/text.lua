-- Helpers over plain text.
local sys, alc, lib, def = ...
local tostring = tostring
local gsub, byte, format, match = string.gsub, string.byte, string.format, string.match

-- fingerprint folds ASCII case and white space and hashes what is left (DJB2, 32 bits).
function def.fingerprint(str)
  local s = gsub(tostring(str), "%u", function(c) return format("%c", byte(c) + 32) end)
  s = match(gsub(s, "[ \t-\r]+", " "), "^ ?(.-) ?$")
  local h = 5381
  for i = 1, #s do h = (h * 33 + byte(s, i)) & 0xffffffff end
  return format("%08x", h)
end

-- vote counts trimmed answers and returns the one given most often, the first of them on a tie.
function def.vote(answers)
  local counts, order = {}, {}
  for i = 1, #answers do
    local a = match(tostring(answers[i]), "^%s*(.-)%s*$")
    if counts[a] == nil then
      order[#order + 1] = a
      counts[a] = 0
    end
    counts[a] = counts[a] + 1
  end
  local winner, best = nil, 0
  for i = 1, #order do
    if counts[order[i]] > best then winner, best = order[i], counts[order[i]] end
  end
  return { winner = winner, count = best, total = #answers }
end
