-- A script that gives what is no text.
function message()
  return 17
end
