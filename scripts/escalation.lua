-- What other platforms send when their agent hands a conversation to a human, as an escalation.
--
-- Switchboard calls escalation(payload, call) for every POST to /v1/escalations/from/NAME:
--   payload       the body that was sent, read only
--   call.from     NAME
--   call.headers  the headers by name in lower case, without credentials
-- It returns an escalation as POST /v1/escalations takes it (see docs/ESCALATIONS.md); that is then checked like any
-- other. { error = "why" } refuses the call, with 422 and those words. A platform that is not known here is refused.
--
-- A platform is one table: for each member of the escalation the path of the member of the payload that holds it. Where
-- a path does not do, write a function: it gets the payload and returns the value.

-- ---- platforms: change this -----------------------------------------------------------------------------------

local PLATFORMS = {
  -- A flat hand-off, as many agent builders post it:
  --   { "session_id": "s-1", "customer": { "external_id": "u-1", "full_name": "...", "email": "..." },
  --     "handoff_reason": "user_request", "summary": "...", "language": "en",
  --     "transcript": [ { "speaker": "customer", "text": "...", "timestamp": "2026-03-10T09:00:00Z" } ] }
  handoff = {
    id = "session_id",
    user = {
      id = "customer.external_id",
      name = "customer.full_name",
      email = "customer.email",
      phone = "customer.phone",
      locale = "customer.locale",
    },
    reason = { code = "handoff_reason", text = "handoff_comment" },
    summary = "summary",
    category = "topic",
    priority = "urgency",
    language = "language",
    channel = "channel",
    metadata = "variables",
    callback_url = "callback_url",
    messages = {
      from = "transcript",
      role = "speaker",
      content = "text",
      at = "timestamp",
      roles = { customer = "user", bot = "agent", ai = "agent", note = "system" },
    },
  },

  -- Messages as language models exchange them, with everything else in an envelope:
  --   { "event": "conversation.escalated", "data": { "conversation_id": "c-1", "contact": { "id": "u-1" },
  --     "escalation": { "reason": "...", "summary": "..." },
  --     "messages": [ { "role": "assistant", "content": "..." } ],
  --     "actions": [ { "name": "refund", "outcome": "not allowed" } ] } }
  chat = {
    id = "data.conversation_id",
    user = {
      id = "data.contact.id",
      crm_contact_id = "data.contact.crm_id",
      name = "data.contact.name",
      email = "data.contact.email",
      phone = "data.contact.phone",
    },
    reason = { code = "event", text = "data.escalation.reason" },
    summary = "data.escalation.summary",
    priority = "data.escalation.priority",
    channel = "data.channel",
    messages = {
      from = "data.messages",
      role = "role",
      content = "content",
      at = "created_at",
      roles = { assistant = "agent", ["function"] = "tool", developer = "system" },
    },
    steps = { from = "data.actions", what = "name", result = "outcome" },
  },
}

-- ---- how a table is read --------------------------------------------------------------------------------------

-- The value at a dotted path, or nil.
local function at(value, path)
  for name in string.gmatch(path, "[^.]+") do
    local kind = type(value)
    if kind ~= "table" and kind ~= "userdata" then -- parts of the payload are userdata
      return nil
    end
    value = value[name]
  end
  return value
end

local function read(payload, from)
  if type(from) == "function" then
    return from(payload)
  end
  return from and at(payload, from)
end

-- Numbers are ids as good as texts: 17 is "17".
local function text(payload, from)
  local value = read(payload, from)
  if math.type(value) == "integer" then
    return tostring(value)
  end
  return value
end

local function texts(payload, map)
  local found
  for name, from in pairs(map or {}) do
    local value = text(payload, from)
    if value ~= nil then
      found = found or {}
      found[name] = value
    end
  end
  return found
end

local function messages(payload, map)
  local found = {}
  for _, message in ipairs(map and read(payload, map.from) or {}) do
    local role = text(message, map.role)
    found[#found + 1] = {
      role = map.roles[role] or role,
      content = text(message, map.content),
      at = text(message, map.at),
      attachments = read(message, map.attachments),
    }
  end
  return found
end

local function steps(payload, map)
  local found
  for _, step in ipairs(map and read(payload, map.from) or {}) do
    found = found or {}
    found[#found + 1] = { what = text(step, map.what), result = text(step, map.result) }
  end
  return found
end

function escalation(payload, call)
  local platform = PLATFORMS[call.from]
  if not platform then
    return { error = "there is no platform '" .. call.from .. "' in the adapter script" }
  end
  local conversation = messages(payload, platform.messages)
  return {
    id = text(payload, platform.id),
    user = texts(payload, platform.user),
    reason = texts(payload, platform.reason),
    summary = text(payload, platform.summary),
    category = text(payload, platform.category),
    priority = text(payload, platform.priority),
    language = text(payload, platform.language),
    channel = text(payload, platform.channel),
    metadata = read(payload, platform.metadata),
    callback_url = text(payload, platform.callback_url),
    conversation = #conversation > 0 and conversation or nil,
    steps_tried = steps(payload, platform.steps),
  }
end
