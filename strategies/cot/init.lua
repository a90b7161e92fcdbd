--- Chain of thought: think first, then commit to an answer.
--
-- Two calls. The first asks for reasoning and forbids the answer; the second reads the reasoning
-- back and asks for nothing but the answer. Keeping them apart stops a model from answering at
-- once and arguing for it afterwards.

local M = {}

M.meta = {
  name = "cot",
  version = "1.0.0",
  description = "Chain of thought: reason step by step, then answer in one line",
  category = "reasoning",
  tags = { "reasoning", "two calls" },
}

local THINK = [[
Work on the task below step by step. Number the steps. Do not state the final answer yet.

Task:
%s]]

local ANSWER = [[
Task:
%s

Reasoning:
%s

Check the reasoning, then give the final answer in one line and nothing else.]]

local function trim(s)
  return (s:gsub("^%s+", ""):gsub("%s+$", ""))
end

--- Run the strategy.
-- @param ctx.task the task, a string
-- @return ctx with result = { reasoning, answer }
function M.run(ctx)
  local task = assert(ctx.task, "cot: ctx.task is missing: say what to work on")

  local reasoning = trim(alc.llm(THINK:format(task), { max_tokens = 1024 }))
  alc.log("info", ("cot: %d bytes of reasoning"):format(#reasoning))

  local answer = trim(alc.llm(ANSWER:format(task, reasoning), { max_tokens = 128 }))
  ctx.result = { reasoning = reasoning, answer = answer }
  return ctx
end

return M
