--- Draft, critique, revise: write, let a critic object, mend, until the critic is content.
--
-- The critic replies in JSON, so that "good enough" is a decision of the script and not a mood
-- of the writer. Critiques that are no JSON count as one objection: their text.

local M = {}

M.meta = {
  name = "draft_critique_revise",
  version = "1.0.0",
  description = "Draft, critique, revise: rounds of writing and criticism until nothing is objected to",
  category = "refinement",
  tags = { "writing", "iterative" },
}

local DRAFT = [[
Write a first draft for the task below. Reply with the draft alone.

Task:
%s]]

local CRITIQUE = [[
You are a strict editor. Judge the draft against the task.
Reply with JSON alone: {"accept": true or false, "problems": ["…", …]}.
Accept only when there is nothing worth changing.

Task:
%s

Draft:
%s]]

local REVISE = [[
Rewrite the draft so that every problem is solved. Reply with the new text alone.

Task:
%s

Draft:
%s

Problems:
%s]]

--- Read a critique. Returns whether the draft is accepted, and the list of problems.
local function parse(text)
  local body = text:match("{.*}")
  local ok, critique = pcall(alc.json_decode, body or "")
  if not ok or type(critique) ~= "table" then
    return false, { text }
  end
  local problems = critique.problems
  if type(problems) ~= "table" then problems = {} end
  return critique.accept == true or #problems == 0, problems
end

local function bullets(list)
  local lines = {}
  for i, item in ipairs(list) do
    lines[i] = "- " .. tostring(item)
  end
  return table.concat(lines, "\n")
end

--- Run the strategy.
-- @param ctx.task the task, a string
-- @param ctx.draft_critique_revise.rounds how many critiques at most, default 3
-- @return ctx with result = { text, rounds, accepted, history }
function M.run(ctx)
  local task = assert(ctx.task, "draft_critique_revise: ctx.task is missing: say what to write")
  local rounds = (ctx.draft_critique_revise or {}).rounds or 3

  local text = alc.llm(DRAFT:format(task))
  local history, accepted, done = {}, false, 0
  for round = 1, rounds do
    local critique = alc.llm(CRITIQUE:format(task, text), { role = "grader", max_tokens = 512 })
    local problems
    accepted, problems = parse(critique)
    done = round
    history[round] = { text = text, problems = problems }
    -- A counter that outlives the session: effects are applied once, however often the worker
    -- that runs this line is killed and the session replayed.
    alc.state.incr("draft_critique_revise.rounds")
    if accepted then break end
    alc.log("info", ("draft_critique_revise: round %d, %d problems"):format(round, #problems))
    text = alc.llm(REVISE:format(task, text, bullets(problems)))
  end

  ctx.result = { text = text, rounds = done, accepted = accepted, history = history }
  return ctx
end

return M
