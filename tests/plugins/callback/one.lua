-- A script that has words for tickets alone.
function message(_, options)
  return options.event .. " " .. options.ticket.number
end
