-- A script with a mistake: there is no such section.
function message(record)
  return record.nothing.here
end
