-- How a conversation is classified when no language model does it. Change the lists as you like.
--
-- Switchboard calls classify(record) and expects a table with
--   mood      "Positive", "Neutral", "Negative" or "Urgent" (an urgent one gets the priority High)
--   concern   what it is about, one line
--   category  optional, for reports and routing
--   priority  optional: "High", "Medium" or "Low"
--
-- Words are compared as whole words, in any case: "charge" finds "Charge!" and not "recharge". A phrase is words with
-- spaces. A word behind a negation ("not urgent", "don't want to cancel") does not count.

local MOODS = { -- the first that is found wins
  { mood = "Urgent", words = { "urgent", "urgently", "emergency", "immediately", "asap", "right away", "at once" } },
  {
    mood = "Negative",
    words = {
      "angry", "frustrated", "frustrating", "disappointed", "disappointing", "upset", "unhappy", "annoyed", "terrible",
      "horrible", "worst", "unacceptable", "not happy", "not satisfied", "fed up", "no one helps",
    },
  },
  {
    mood = "Positive",
    words = { "thank", "thanks", "great", "happy", "satisfied", "excellent", "wonderful", "perfect", "very helpful" },
  },
}

local CONCERNS = { -- the first that is found wins
  {
    concern = "Refund/cancellation request",
    category = "Refund",
    words = {
      "refund", "refunds", "refunded", "money back", "cancel", "cancelled", "canceled", "cancelling", "canceling",
      "cancellation", "return my", "return the", "return this", "return it", "want to return", "returned the",
    },
  },
  {
    concern = "Billing inquiry",
    category = "Billing",
    words = {
      "billing", "bill", "bills", "billed", "payment", "payments", "charge", "charges", "charged", "charging twice",
      "invoice", "invoices", "overcharged",
    },
  },
  {
    concern = "Technical support request",
    category = "Technical",
    words = {
      "technical", "not working", "isn't working", "doesn't work", "does not work", "stopped working", "error",
      "errors", "problem", "problems", "issue", "issues", "broken", "crash", "crashes", "not loading",
    },
  },
  {
    concern = "General inquiry - assistance needed",
    category = "General",
    words = { "question", "questions", "how to", "how do i", "how can i", "help with", "help me" },
  },
}

-- Words that turn round what follows them within the next few words.
local NEGATIONS = {
  ["not"] = true, ["no"] = true, ["never"] = true, ["without"] = true, ["isn't"] = true, ["wasn't"] = true,
  ["aren't"] = true, ["don't"] = true, ["doesn't"] = true, ["didn't"] = true, ["won't"] = true, ["can't"] = true,
  ["nothing"] = true, ["neither"] = true, ["nor"] = true, ["isnt"] = true, ["dont"] = true,
}
local NEGATION_REACH = 3 -- words

-- Words that end the reach of a negation: "no, it is urgent", "not now but urgently tomorrow".
local BREAKS = {
  ["but"] = true, ["it's"] = true, ["it"] = true, ["because"] = true, ["however"] = true, ["so"] = true,
}

-- Phrases that contain a word of the lists and mean something else.
local LOOK_ALIKES = {
  "returning your call", "return your call", "return my call", "returning my call", "return the call", "no problem",
  "not a problem", "happy to help", "how can i help", "how may i help", "help you with", "great day", "happy to assist",
}

local function split(phrase)
  local words = {}
  for word in string.gmatch(phrase, "%S+") do
    words[#words + 1] = word
  end
  return words
end

-- Lists of phrases become lists of lists of words, once.
local function prepare(rules)
  for _, rule in ipairs(rules) do
    rule.phrases = {}
    for i, phrase in ipairs(rule.words) do
      rule.phrases[i] = split(phrase)
    end
  end
  return rules
end

MOODS = prepare(MOODS)
CONCERNS = prepare(CONCERNS)
LOOK_ALIKES = prepare({ { words = LOOK_ALIKES } })[1].phrases

local function is_at(words, at, phrase)
  for i, word in ipairs(phrase) do
    if words[at + i - 1] ~= word then
      return false
    end
  end
  return true
end

-- Marks the words that belong to a look-alike, so that no rule sees them.
local function hide_look_alikes(words)
  for at = 1, #words do
    for _, phrase in ipairs(LOOK_ALIKES) do
      if is_at(words, at, phrase) then
        for i = 1, #phrase do
          words[at + i - 1] = ""
        end
      end
    end
  end
end

local function is_negated(words, at)
  for back = 1, NEGATION_REACH do
    local word = words[at - back]
    if not word or word == "" or BREAKS[word] then
      return false
    end
    if NEGATIONS[word] then
      return true
    end
  end
  return false
end

-- A phrase that begins with a negation ("not working") says itself what it means.
local function finds(words, phrases)
  for at = 1, #words do
    for _, phrase in ipairs(phrases) do
      if is_at(words, at, phrase) and (NEGATIONS[phrase[1]] or not is_negated(words, at)) then
        return true
      end
    end
  end
  return false
end

local function first_match(words, rules)
  for _, rule in ipairs(rules) do
    if finds(words, rule.phrases) then
      return rule
    end
  end
  return nil
end

-- What the customer said counts; where nobody can tell the speakers apart, all of it does.
local function customer_text(transcript)
  local said = {}
  for _, segment in ipairs(transcript.segments or {}) do
    if segment.speaker == "customer" then
      said[#said + 1] = segment.text
    end
  end
  if #said > 0 then
    return table.concat(said, " \n")
  end
  return transcript.text or ""
end

local function without_transcript(record)
  local call = record.call or {}
  if call.status == "missed" then
    return { mood = "Neutral", concern = "Missed call", category = "Missed call" }
  end
  return { mood = "Neutral", concern = "Call without transcript", category = "General" }
end

function classify(record)
  local transcript = record.transcript
  if not transcript or transcript.is_empty or not transcript.text or transcript.text == "" then
    return without_transcript(record)
  end
  local text = customer_text(transcript)
  local words = sb.words(text)
  if #words == 0 then
    return without_transcript(record)
  end
  hide_look_alikes(words)
  local mood = first_match(words, MOODS)
  local concern = first_match(words, CONCERNS)
  local result = { mood = mood and mood.mood or "Neutral" }
  if concern then
    result.concern = concern.concern
    result.category = concern.category
  else
    local line = string.gsub(text, "%s+", " ")
    result.concern = "Call regarding: " .. sb.cut(line, 100)
    result.category = "General"
  end
  return result
end
