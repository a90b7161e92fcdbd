--@ alc map filter reduce vote
-- map, filter, reduce and vote over arrays. Their functions may call the model: one item is done
-- before the next begins.
local sys, alc, lib, def = ...
local type, tostring, error, getmetatable = type, tostring, error, getmetatable
local format, match = string.format, string.match

-- indexable refuses what has no elements, in the name of the caller's caller.
local function indexable(items, fname)
  local t = type(items)
  if t == "table" or t == "string" or t == "userdata" then return items end
  error(format("bad argument #1 to '%s' (table expected, got %s)", fname, items == nil and "no value" or t), 3)
end

-- callable refuses what cannot be called; with a metatable it may be.
local function callable(fn, fname)
  local t = type(fn)
  if t == "function" or ((t == "table" or t == "userdata") and getmetatable(fn) ~= nil) then return end
  error(format("bad argument #2 to '%s' (function expected, got %s)", fname, fn == nil and "no value" or t), 3)
end

function def.map(items, fn)
  local results, i = {}, 1
  local item = indexable(items, "map")[1]
  if item ~= nil then callable(fn, "map") end
  while item ~= nil do
    results[i] = fn(item, i)
    i = i + 1
    item = items[i]
  end
  return results
end

function def.filter(items, fn)
  local kept, i = {}, 1
  local item = indexable(items, "filter")[1]
  if item ~= nil then callable(fn, "filter") end
  while item ~= nil do
    if fn(item, i) then kept[#kept + 1] = item end
    i = i + 1
    item = items[i]
  end
  return kept
end

function def.reduce(items, fn, init)
  local acc, first = init, 1
  indexable(items, "reduce")
  if acc == nil then acc, first = items[1], 2 end
  local last = #items
  if first <= last then callable(fn, "reduce") end
  for i = first, last do
    acc = fn(acc, items[i], i)
  end
  return acc
end

-- vote counts trimmed answers and returns the one given most often, the first of them on a tie.
function def.vote(answers)
  indexable(answers, "vote")
  local counts, order, i = {}, {}, 1
  while answers[i] ~= nil do
    local answer = match(tostring(answers[i]), "^%s*(.*%S)") or ""
    if counts[answer] == nil then
      order[#order + 1] = answer
      counts[answer] = 0
    end
    counts[answer] = counts[answer] + 1
    i = i + 1
  end
  local winner, best = nil, 0
  for k = 1, #order do
    if counts[order[k]] > best then winner, best = order[k], counts[order[k]] end
  end
  return { winner = winner, count = best, total = #answers }
end
