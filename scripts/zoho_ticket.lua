-- What a Zoho Desk ticket looks like. Change it as you like; `switchboard try` shows what would come out.
--
-- Switchboard calls ticket(record, options) for every conversation and sends what it returns. The fields are those of
-- Zoho Desk: subject, description, priority, status, channel, category, subCategory, classification, departmentId,
-- assigneeId, teamId, email, phone, dueDate, cf = { cf_name = "text" } and some more; a misspelt one is refused.
--
-- Write plain text: Switchboard escapes it, cuts it to the allowed length, leaves empty fields out, and adds the
-- reference to the end of the subject. The transcription of a call becomes a private note by itself; of an escalation,
-- what has no room in the description goes on in private notes.
--
-- For escalations there are two more, which may be missing:
--   same_matter(record, ticket)  whether an open ticket of the user is about the same matter
--   message(record, options)     what the user is told about options.ticket

-- Who decides about an escalation's ticket, first come first served:
--   agent     what the AI agent said
--   rules     what scripts/classify.lua says, when the rules classified it
--   model     what the language model says, when it classified it
--   analysis  whichever of the last two there is
local DECIDES = {
  priority = { "agent", "analysis" },
  category = { "agent", "analysis" },
}

-- The priority of an escalation about which nobody said one, by the agent's reason.
local PRIORITY_OF_REASON = {
  billing_dispute = "High",
  security = "High",
  outage = "High",
}

-- Zoho Desk's word for the place where the agent spoke with the user.
local CHANNELS = {
  chat = "Chat", web = "Web", widget = "Chat", app = "Chat", whatsapp = "Chat", telegram = "Chat", sms = "Chat",
  messenger = "Facebook", facebook = "Facebook", twitter = "Twitter", x = "Twitter", forum = "Forums",
  email = "Email", mail = "Email", phone = "Phone", voice = "Phone", call = "Phone",
}

-- What the user is told: {number} stands for the ticket. By locale ("hi-IN"), then by language ("hi"), then `en`.
local MESSAGES = {
  en = {
    new = "I have passed your request to our support team. Your ticket is #{number}; a person will get back to you.",
    added = "I have added this to your open ticket #{number}. A person from our support team will get back to you.",
    late = "Your request is with us and is still being passed on to our support team. A person will get back to you.",
  },
  hi = {
    new = "आपका अनुरोध हमारी टीम को मिल गया है। "
      .. "टिकट संख्या: #{number}. हमारी टीम आपसे संपर्क करेगी।",
    added = "यह जानकारी आपके टिकट #{number} में जोड़ दी गई है। "
      .. "हमारी टीम आपसे संपर्क करेगी।",
    late = "आपका अनुरोध हमें मिल गया है और आगे भेजा जा रहा है। "
      .. "हमारी टीम आपसे संपर्क करेगी।",
  },
}

local DIRECTIONS = { inbound = "Incoming", outbound = "Outgoing" }
local ROLES = { user = "User", agent = "AI agent", system = "System", tool = "Tool" }

-- A field of a section, or nil when there is no such section: get(record.call, "customer").
local function get(section, name)
  local value = section and section[name]
  if value == "" then
    return nil
  end
  return value
end

-- A list of lines to which label and value are added when there is a value.
local function page()
  local lines = {}
  local self = { lines = lines }
  function self.add(text)
    lines[#lines + 1] = text
  end
  function self.line(label, value)
    if value and value ~= "" then
      lines[#lines + 1] = label .. ": " .. tostring(value)
    end
  end
  function self.heading(text)
    lines[#lines + 1] = ""
    lines[#lines + 1] = text
  end
  function self.text()
    return table.concat(lines, "\n")
  end
  return self
end

---------------------------------------------------------------------------------------------------------- calls

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

local function call_description(record, options)
  local call = record.call or {}
  local analysis = record.analysis or {}
  local out = page()

  out.line("Agent", agent(call))
  if call.started_at then
    out.line("Time", sb.local_time(call.started_at, call.utc_offset_minutes or 330))
  end
  out.line("Duration", duration(call.duration_s))
  out.line("Direction", DIRECTIONS[call.direction] or call.direction)
  if call.status == "missed" then
    out.line("Missed", call.missed_reason or "nobody took the call")
  end
  out.line("Mood", analysis.mood)
  out.line("Concern", concern(record))
  out.line("Category", category(record))
  out.line("Summary", analysis.summary)
  for _, item in ipairs(analysis.action_items or {}) do
    local owner = item.owner and item.owner .. ": " or ""
    local due = item.due and " (" .. item.due .. ")" or ""
    out.line("To do", owner .. (item.text or "") .. due)
  end
  if analysis.needs_review then
    out.line("Please check", "the classification is uncertain")
  end
  out.line("No transcription", missing_transcription(record))
  if get(record.transcript, "quality") == "low" then
    out.line("Transcription", "low quality, many words will be wrong")
  end
  out.line("Recording", get(record.recording, "url"))
  out.line("Call id", call.sid or get(record.source, "external_id"))
  out.line("Reference", options.reference)
  return out.text()
end

local function call_ticket(record, options)
  local call = record.call or {}
  local caller = call.customer or call.customer_e164 or "unknown number"
  return {
    subject = "Call from " .. caller .. " - " .. concern(record),
    description = call_description(record, options),
    priority = priority(record, options),
    category = category(record),
    phone = call.customer_e164 or call.customer,
    channel = "Phone",
    status = "Open",
  }
end

---------------------------------------------------------------------------------------------------- escalations

-- What one of those who may decide says about `name`, or nil.
local function said_by(who, record, name)
  if who == "agent" then
    return get(record.escalation, name)
  end
  local analysis = record.analysis
  local is_rule = get(analysis, "by") == "keyword"
  if not analysis or (who == "rules" and not is_rule) or (who == "model" and is_rule) then
    return nil
  end
  if name == "priority" and analysis.mood == "Urgent" then
    return "High"
  end
  local word = get(analysis, name)
  return word ~= "other" and word or nil
end

local function decide(record, name)
  for _, who in ipairs(DECIDES[name]) do
    local word = said_by(who, record, name)
    if word then
      return word
    end
  end
  return nil
end

local function escalation_priority(record, options)
  return decide(record, "priority") or PRIORITY_OF_REASON[get(record.escalation, "reason_code") or ""]
    or options.default_priority
end

-- "billing_dispute" as people write it: "Billing dispute".
local function readable(word)
  if not word then
    return nil
  end
  local text = string.gsub(word, "[_-]+", " ")
  return string.upper(string.sub(text, 1, 1)) .. string.sub(text, 2)
end

local function user_name(user)
  return get(user, "name") or get(user, "email") or get(user, "phone") or get(user, "id") or "unknown user"
end

-- The first sentence of the summary, on one line.
local function headline(record)
  local summary = get(record.escalation, "summary") or get(record.escalation, "reason") or "A user needs a person"
  summary = string.gsub(summary, "%s+", " ")
  local stop = string.find(summary, "[.!?] ")
  if stop and stop > 20 then
    summary = string.sub(summary, 1, stop)
  end
  return sb.cut(summary, 160)
end

local function channel(record)
  local word = get(record.escalation, "channel")
  return CHANNELS[sb.lower(word or "")] or "Chat"
end

local function add_tried(out, steps)
  if not steps or #steps == 0 then
    return
  end
  out.heading("What was tried")
  for i = 1, #steps do
    local result = get(steps[i], "result")
    out.add(i .. ". " .. (steps[i].what or "") .. (result and " -> " .. result or ""))
  end
end

local function add_user(out, user)
  out.heading("The user")
  out.line("Name", get(user, "name"))
  out.line("E-mail", get(user, "email"))
  out.line("Phone", get(user, "phone_e164") or get(user, "phone"))
  out.line("User id", get(user, "id"))
  out.line("CRM id", get(user, "crm_contact_id"))
  out.line("Language", get(user, "locale"))
end

-- Nested tables as "order.id: 17". What is deeper than the agent's limits does not come this far.
local function add_metadata(out, prefix, value)
  for key, member in pairs(value) do
    local name = prefix .. tostring(key)
    if type(member) == "table" or type(member) == "userdata" then
      add_metadata(out, name .. ".", member)
    elseif member ~= nil then
      out.line(name, tostring(member))
    end
  end
end

local function add_conversation(out, record, options)
  local messages = get(record.conversation, "messages")
  local files = get(record.attachments, "items")
  if not messages or #messages == 0 then
    return
  end
  out.heading("The conversation (" .. #messages .. (#messages == 1 and " message)" or " messages)"))
  for i = 1, #messages do
    local one = messages[i]
    local time = one.at and sb.local_time(one.at, options.utc_offset_minutes)
    local role = ROLES[one.role] or one.role or "?"
    out.add((time and "[" .. time .. "] " or "") .. role .. ": " .. (one.content or ""))
    local names = {}
    for _, index in ipairs(one.attachments or {}) do
      local file = files and files[index + 1]
      names[#names + 1] = file and file.name or ("file " .. tostring(index))
    end
    if #names > 0 then
      out.add("    (attached: " .. table.concat(names, ", ") .. ")")
    end
  end
end

local function escalation_description(record, options)
  local escalation = record.escalation
  local analysis = record.analysis or {}
  local out = page()
  local reason = get(escalation, "reason")
  local code = readable(get(escalation, "reason_code"))

  out.line("Summary", get(escalation, "summary"))
  out.line("Why a person is needed", reason and code and code .. ": " .. reason or reason or code)
  out.line("Category", decide(record, "category"))
  out.line("Mood", analysis.mood)
  add_tried(out, get(escalation, "steps_tried"))
  add_user(out, record.user)
  out.heading("The escalation")
  out.line("Agent", get(escalation, "agent"))
  out.line("Received", sb.local_time(escalation.received_at or "", options.utc_offset_minutes))
  out.line("Channel", get(escalation, "channel"))
  out.line("Language", get(escalation, "language"))
  out.line("Escalation id", get(escalation, "id"))
  out.line("Reference", options.reference)
  if get(escalation, "metadata") then
    add_metadata(out, "", escalation.metadata)
  end
  add_conversation(out, record, options)
  return out.text()
end

local function escalation_ticket(record, options)
  local user = record.user
  return {
    subject = headline(record) .. " - " .. user_name(user),
    description = escalation_description(record, options),
    priority = escalation_priority(record, options),
    category = decide(record, "category"),
    email = get(user, "email"),
    phone = get(user, "phone_e164") or get(user, "phone"),
    channel = channel(record),
    status = "Open",
  }
end

-------------------------------------------------------------------------------------------- what Switchboard calls

function ticket(record, options)
  if record.escalation then
    return escalation_ticket(record, options)
  end
  return call_ticket(record, options)
end

-- Words that say nothing about a matter.
local COMMON = {}
for _, word in ipairs({ "about", "again", "because", "been", "call", "customer", "does", "from", "have", "help",
  "human", "issue", "needs", "person", "please", "problem", "request", "support", "that", "their", "they", "this",
  "ticket", "user", "wants", "were", "what", "when", "which", "with", "would" }) do
  COMMON[word] = true
end

local function matter_words(text)
  local set, count = {}, 0
  for _, word in ipairs(sb.words(text or "")) do
    if #word >= 4 and not COMMON[word] and not set[word] then
      set[word] = true
      count = count + 1
    end
  end
  return set, count
end

-- Whether the open ticket (subject, category, status, priority, createdTime and others of Zoho Desk's list) is about
-- the same matter; asked with attach_to_open = "ask_rules". Return true, or a table: public = true shows the note to
-- the customer, priority = "High" raises the ticket's.
--
-- Here: the categories do not differ, and at least half of what the summary speaks of stands in the subject.
function same_matter(record, open)
  local mine = decide(record, "category")
  local other = get(open, "category")
  if mine and other and sb.lower(mine) ~= sb.lower(other) then
    return false
  end
  local words, count = matter_words(headline(record))
  local subject = matter_words(get(open, "subject"))
  local shared = 0
  for word in pairs(words) do
    if subject[word] then
      shared = shared + 1
    end
  end
  if count == 0 or shared * 2 < count then
    return false
  end
  return { public = false, priority = escalation_priority(record, { default_priority = "Low" }) }
end

local function messages_for(record)
  local locale = get(record.user, "locale") or get(record.escalation, "language") or "en"
  local language = string.match(sb.lower(locale), "^%a+") or "en"
  return MESSAGES[locale] or MESSAGES[language] or MESSAGES.en
end

-- What the agent may tell the user now that options.ticket exists.
function message(record, options)
  local texts = messages_for(record)
  local text = options.ticket.attached and texts.added or texts.new
  return (string.gsub(text, "{number}", (string.gsub(options.ticket.number or "?", "%%", ""))))
end

-- What the agent may tell the user when the ticket is late.
function delayed_message(record)
  return messages_for(record).late
end
