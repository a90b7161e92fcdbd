lust.describe("before", function()
  lust.before(function() error("an old hook ran") end)
  pcall(lust.it, "is forgotten", function() end)
  lust.reset()
end)

lust.it("begins anew", function()
  lust.expect(lust.get_results()).to.equal({ tests = {}, passed = 0, failed = 0, total = 0 })
end)
