-- What a Zoho Desk ticket looks like. Change it as you like; `switchboard try` shows what would come out.
--
-- Switchboard calls ticket(record, options) for every conversation and sends what it returns. The fields are those of
-- Zoho Desk: subject, description, priority, status, channel, category, subCategory, classification, departmentId,
-- assigneeId, teamId, email, phone, dueDate, cf = { cf_name = "text" } and some more; a misspelt one is refused.
--
-- Write plain text: Switchboard escapes it, cuts it to the allowed length, leaves empty fields out, and adds the
-- reference to the end of the subject. The transcription becomes a private note by itself.

local DIRECTIONS = { inbound = "Incoming", outbound = "Outgoing" }

-- A field of a section, or nil when there is no such section: get(record.call, "customer").
local function get(section, name)
  local value = section and section[name]
  if value == "" then
    return nil
  end
  return value
end

local function duration(seconds)
  if not seconds then
    return nil
  end
  seconds = math.floor(seconds)
  if seconds < 60 then
    return string.format("%d s", seconds)
  end
  return string.format("%d min %d s", seconds // 60, seconds % 60)
end

local function agent(call)
  local name = get(call, "agent_name")
  local number = get(call, "agent_number")
  local department = get(call, "agent_department")
  local text = name or number
  if not text then
    return "nobody"
  end
  if name and department then
    text = name .. " (" .. department .. ")"
  end
  if get(call, "agent_known") == false and not name then
    text = text .. " (not in the agents file)"
  end
  return text
end

-- Why there is no transcription, or nil when there is one.
local function missing_transcription(record)
  local transcript = record.transcript
  local recording = record.recording
  if get(record.call, "status") == "missed" then
    return nil
  end
  if get(recording, "state") == "missing" then
    return "the recording is missing" .. (get(recording, "why") and ": " .. recording.why or "")
  end
  if transcript and transcript.is_empty then
    return "nobody was heard on the recording"
  end
  if transcript then
    return nil
  end
  return "the recording could not be transcribed"
end

local function concern(record)
  local text = get(record.analysis, "concern")
  if text then
    return text
  end
  if get(record.call, "status") == "missed" then
    return "Missed call"
  end
  return "General inquiry - assistance needed"
end

-- "other" says nothing, so it is not shown.
local function category(record)
  local word = get(record.analysis, "category")
  return word ~= "other" and word or nil
end

local function priority(record, options)
  if get(record.analysis, "mood") == "Urgent" then
    return "High"
  end
  return get(record.analysis, "priority") or options.default_priority
end

local function description(record, options)
  local call = record.call or {}
  local analysis = record.analysis or {}
  local lines = {}
  local function line(label, value)
    if value and value ~= "" then
      lines[#lines + 1] = label .. ": " .. tostring(value)
    end
  end

  line("Agent", agent(call))
  if call.started_at then
    line("Time", sb.local_time(call.started_at, call.utc_offset_minutes or 330))
  end
  line("Duration", duration(call.duration_s))
  line("Direction", DIRECTIONS[call.direction] or call.direction)
  if call.status == "missed" then
    line("Missed", call.missed_reason or "nobody took the call")
  end
  line("Mood", analysis.mood)
  line("Concern", concern(record))
  line("Category", category(record))
  line("Summary", analysis.summary)
  for _, item in ipairs(analysis.action_items or {}) do
    local owner = item.owner and item.owner .. ": " or ""
    local due = item.due and " (" .. item.due .. ")" or ""
    line("To do", owner .. (item.text or "") .. due)
  end
  if analysis.needs_review then
    line("Please check", "the classification is uncertain")
  end
  line("No transcription", missing_transcription(record))
  if get(record.transcript, "quality") == "low" then
    line("Transcription", "low quality, many words will be wrong")
  end
  line("Recording", get(record.recording, "url"))
  line("Call id", call.sid or get(record.source, "external_id"))
  line("Reference", options.reference)
  return table.concat(lines, "\n")
end

function ticket(record, options)
  local call = record.call or {}
  local caller = call.customer or call.customer_e164 or "unknown number"
  return {
    subject = "Call from " .. caller .. " - " .. concern(record),
    description = description(record, options),
    priority = priority(record, options),
    category = category(record),
    phone = call.customer_e164 or call.customer,
    channel = "Phone",
    status = "Open",
  }
end
