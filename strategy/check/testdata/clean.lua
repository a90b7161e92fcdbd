-- Nothing to say about this one.
local M = {}

function M.run(ctx)
  local n = alc.tuning({ samples = 3 }, ctx).samples
  local prompts = {}
  for i = 1, n do prompts[i] = { prompt = ctx.task, system = "Answer " .. i } end
  local vote = alc.vote(alc.llm_batch(prompts))
  local seen = { [M] = true, [print] = 1 }
  for k, v in pairs(seen) do alc.log("debug", alc.fmt("%s %s", type(k), v)) end
  ctx.result = { answer = vote.winner, share = vote.count / vote.total, at = os.time() }
  return ctx
end

return M
