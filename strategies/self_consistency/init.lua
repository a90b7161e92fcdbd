--- Self-consistency: ask several times in parallel, believe the majority.
--
-- One batch of samples, each told to approach the task in its own way. Every sample ends with a
-- line "Answer: …"; equal answers are counted and the most frequent one wins, the earliest of
-- equals. When samples disagree too much, one more call is the judge.

local M = {}

M.meta = {
  name = "self_consistency",
  version = "1.0.0",
  description = "Self-consistency: a parallel batch of samples and a vote, with a judge for close calls",
  category = "aggregation",
  tags = { "parallel", "vote" },
}

local APPROACHES = {
  "Reason forwards from what is given.",
  "Reason backwards from what is asked.",
  "Set up equations or a table before you reason.",
  "Try a small example first, then generalise.",
  "Look for the trap in the question, then avoid it.",
}

local SAMPLE = [[
Solve the task below. %s
End with one line of the form "Answer: X", where X is as short as possible.

Task:
%s]]

local JUDGE = [[
Several people solved the task below and did not agree.

Task:
%s

Their answers, with how many gave each:
%s

Which one is right? Reply with that answer alone.]]

--- The text after the last "Answer:" of a sample, made comparable; nil when there is none.
local function extract(sample)
  local found ---@type string?
  for answer in sample:gmatch("[Aa]nswer:%s*([^\n]+)") do
    found = answer
  end
  return found and found:lower():gsub("[%s%.]+$", "") or nil
end

--- Count equal answers. Returns a list of { answer, votes }, most votes first.
---@return { answer: string, votes: integer }[]
local function count(samples)
  local tally, order = {}, {}
  for _, sample in ipairs(samples) do
    local answer = extract(sample)
    if answer then
      if not tally[answer] then
        tally[answer] = { answer = answer, votes = 0, first = #order }
        order[#order + 1] = tally[answer]
      end
      tally[answer].votes = tally[answer].votes + 1
    end
  end
  table.sort(order, function(a, b)
    if a.votes ~= b.votes then return a.votes > b.votes end
    return a.first < b.first
  end)
  return order
end

local function judge(task, ranking)
  local lines = {}
  for i, entry in ipairs(ranking) do
    lines[i] = ("- %s (%d)"):format(entry.answer, entry.votes)
  end
  return alc.llm(JUDGE:format(task, table.concat(lines, "\n")), { max_tokens = 64, role = "grader" })
end

--- Run the strategy.
-- @param ctx.task the task, a string
-- @param ctx.self_consistency.samples how many samples, default 5
-- @return ctx with result = { answer, votes, samples, ranking, judged }
function M.run(ctx)
  local task = assert(ctx.task, "self_consistency: ctx.task is missing: say what to work on")
  local wanted = (ctx.self_consistency or {}).samples or #APPROACHES

  local batch = {}
  for i = 1, wanted do
    local approach = APPROACHES[(i - 1) % #APPROACHES + 1]
    batch[i] = { prompt = SAMPLE:format(approach, task), max_tokens = 512 }
  end
  local ranking = count(alc.llm_batch(batch))
  local best = assert(ranking[1], "self_consistency: no sample ended with a line 'Answer: …'")
  local judged = best.votes * 2 <= wanted
  alc.log("info", ("self_consistency: %q has %d of %d votes"):format(best.answer, best.votes, wanted))

  local list = {}
  for i, entry in ipairs(ranking) do
    list[i] = { answer = entry.answer, votes = entry.votes }
  end
  ctx.result = {
    answer = judged and judge(task, ranking) or best.answer,
    votes = best.votes,
    samples = wanted,
    ranking = list,
    judged = judged,
  }
  return ctx
end

return M
