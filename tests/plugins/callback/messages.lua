-- Words in the user's language, as a support team would write them.
local words = {
  hi = { new = "आपका अनुरोध टिकट %s है।", late = "आपका अनुरोध हमारे पास है।" },
}

function message(record, options)
  local of = record.user and words[record.user.locale]
  return of and string.format(of.new, options.ticket.number)
end

function delayed_message(record)
  local of = record.user and words[record.user.locale]
  return of and of.late
end
