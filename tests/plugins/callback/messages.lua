-- Words in the user's language, as a support team would write them.
local words = {
  hi = {
    ["ticket.created"] = "आपका अनुरोध टिकट %s है।",
    ["ticket.delayed"] = "आपका अनुरोध हमारे पास है।",
  },
}

function message(record, options)
  local user = record.user
  local of = user and words[user.locale]
  if not of then
    return nil
  end
  if options.event == "ticket.created" then
    return string.format(of[options.event], record.ticket.number)
  end
  return of[options.event]
end
