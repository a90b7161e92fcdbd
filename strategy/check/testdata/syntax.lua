local x = 1
if x then
  return +
end
