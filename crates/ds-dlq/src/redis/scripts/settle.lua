-- Removes entries that are stored: group, id…
local bytes = 0
for i = 2, #ARGV do
  local kind, content, _, is_held = find(ARGV[i])
  if kind then
    bytes = bytes + weight(kind, content)
    forget(ARGV[1], ARGV[i], is_held)
  end
end
free(bytes)
return 0
