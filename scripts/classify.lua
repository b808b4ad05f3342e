-- How a conversation is classified when no language model does it. Change the lists as you like.
--
-- Switchboard calls classify(record) and expects a table with
--   mood      "Positive", "Neutral", "Negative" or "Urgent" (an urgent one gets the priority High)
--   concern   what it is about, one line
--   category  optional, for reports and routing
--   priority  optional: "High", "Medium" or "Low"
--
-- Words are compared as whole words, in any case: "charge" finds "Charge!" and not "recharge". A phrase is words with
-- spaces. A negation turns a mood round ("not urgent"), and a concern only when it is about wishing: "I don't want to
-- cancel" is no cancellation, "I never got my refund" is about a refund.

local MOODS = { -- the first that is found wins
  {
    mood = "Urgent",
    words = {
      "urgent", "urgently", "emergency", "immediately", "asap", "right away", "at once", "turant", "abhi ke abhi",
      "तुरंत", "तुरन्त",
    },
  },
  {
    mood = "Negative",
    words = {
      "angry", "frustrated", "frustrating", "disappointed", "disappointing", "upset", "unhappy", "annoyed", "terrible",
      "horrible", "worst", "unacceptable", "not happy", "not satisfied", "fed up", "no one helps", "pareshan", "naraz",
      "gussa", "परेशान", "नाराज", "गुस्सा",
    },
    denied = { "happy", "satisfied", "pleased", "impressed" }, -- these behind a negation: "never been happy"
  },
  {
    mood = "Positive",
    words = {
      "thank", "thanks", "great", "happy", "satisfied", "excellent", "wonderful", "perfect", "very helpful",
      "can't thank you", "cannot thank you", "dhanyavaad", "dhanyavad", "dhanyawad", "shukriya", "धन्यवाद", "शुक्रिया",
    },
  },
}

local CONCERNS = { -- the first that is found wins
  {
    concern = "Refund/cancellation request",
    category = "Refund",
    words = {
      "refund", "refunds", "refunded", "money back", "cancel", "cancelled", "canceled", "cancelling", "canceling",
      "cancellation", "return my", "return the", "return this", "return it", "want to return", "returned the",
      "paisa wapas", "paise wapas", "paisa vapas", "paise vapas", "रिफंड", "पैसा वापस", "पैसे वापस", "कैंसिल",
    },
    orders = { "cancel", "refund", "return" }, -- "please don't cancel": nobody wants it
  },
  {
    concern = "Billing inquiry",
    category = "Billing",
    words = {
      "billing", "bill", "bills", "billed", "payment", "payments", "charge", "charges", "charged", "charging twice",
      "invoice", "invoices", "overcharged", "बिल", "भुगतान", "पेमेंट",
    },
  },
  {
    concern = "Technical support request",
    category = "Technical",
    words = {
      "technical", "not working", "isn't working", "doesn't work", "does not work",
      "stopped working", "error", "errors",
      "problem", "problems", "issue", "issues", "broken", "crash", "crashes", "not loading", "kaam nahi kar",
      "kaam nahin kar", "chal nahi raha", "chal nahi rahi", "काम नहीं कर", "चल नहीं रहा",
      "चल नहीं रही", "समस्या", "दिक्कत",
    },
    absences = true, -- "no problems", "without any error": there is none
  },
  {
    concern = "General inquiry - assistance needed",
    category = "General",
    words = { "question", "questions", "how to", "how do i", "how can i", "help with", "help me" },
  },
}

local function set_of(words)
  local set = {}
  for _, word in ipairs(words) do
    set[word] = true
  end
  return set
end

-- Words that turn round what follows them within the next few words.
local NEGATIONS = set_of({
  "not", "no", "never", "without", "isn't", "wasn't", "aren't", "weren't", "don't", "doesn't", "didn't", "won't",
  "can't", "cannot", "couldn't", "wouldn't", "shouldn't", "haven't", "hasn't", "hadn't", "ain't",
  "nothing", "neither", "nor",
  "isnt", "wasnt", "dont", "doesnt", "didnt", "wont", "cant", "havent", "hasnt",
})
local NEGATION_REACH = 3 -- words
local WISH_REACH = 6 -- words from "don't" over "want to" to "cancel"
local WISHES = set_of({
  "want", "wanted", "need", "wish", "plan", "planning", "going", "calling", "asking", "intend", "looking", "mean",
  "about", "interested",
})
local ABSENCES = set_of({ "no", "without", "not", "any", "a", "an", "other", "more", "further", "such" })

-- Hindi denies behind the word: "cancel mat karo", "refund nahi chahiye".
local DENIALS_BEHIND = {
  "mat", "nahi karna", "nahin karna", "nahi karwana", "nahi chahiye", "nahin chahiye", "मत",
  "नहीं करना", "नहीं चाहिए",
}

-- Words that end the reach of a negation: "no, it is urgent", "not now but urgently tomorrow".
local BREAKS = set_of({ "but", "it's", "it", "because", "however", "so" })

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

-- Lists of phrases become lists of lists of words by first word, once.
local function index(phrases)
  local by_first = {}
  for _, phrase in ipairs(phrases) do
    local words = split(phrase)
    by_first[words[1]] = by_first[words[1]] or {}
    table.insert(by_first[words[1]], words)
  end
  return by_first
end

local function prepare(rules)
  for _, rule in ipairs(rules) do
    rule.phrases = index(rule.words)
    rule.denied_phrases = index(rule.denied or {})
    rule.order_words = set_of(rule.orders or {})
  end
  return rules
end

MOODS = prepare(MOODS)
CONCERNS = prepare(CONCERNS)
LOOK_ALIKES = index(LOOK_ALIKES)
DENIALS_BEHIND = index(DENIALS_BEHIND)

local function is_at(words, at, phrase)
  for i, word in ipairs(phrase) do
    if words[at + i - 1] ~= word then
      return false
    end
  end
  return true
end

local function phrase_at(words, at, phrases)
  for _, phrase in ipairs(phrases[words[at]] or {}) do
    if is_at(words, at, phrase) then
      return phrase
    end
  end
  return nil
end

-- The words of the text with "" between the parts of sentences: no negation reaches over a comma or a full stop.
local function words_of(text)
  local words = {}
  local plain = string.gsub(string.gsub(text, "।", "."), "\n", ".")
  for part in string.gmatch(plain, "[^.,;:!?]+") do
    for _, word in ipairs(sb.words(part)) do
      words[#words + 1] = word
    end
    words[#words + 1] = ""
  end
  return words
end

-- Marks the words that belong to a look-alike, so that no rule sees them.
local function hide_look_alikes(words)
  for at = 1, #words do
    local phrase = phrase_at(words, at, LOOK_ALIKES)
    for i = 1, phrase and #phrase or 0 do
      words[at + i - 1] = ""
    end
  end
end

-- Where the negations are that say nothing yet: "not working" has used up its own.
local function negations_of(words)
  local open = {}
  for at, word in ipairs(words) do
    open[at] = NEGATIONS[word]
  end
  for _, rules in ipairs({ MOODS, CONCERNS }) do
    for _, rule in ipairs(rules) do
      for at in pairs(open) do
        if phrase_at(words, at, rule.phrases) then
          open[at] = nil
        end
      end
    end
  end
  return open
end

local function is_negated(words, at, open)
  for back = 1, NEGATION_REACH do
    local word = words[at - back]
    if not word or word == "" or BREAKS[word] then
      return false
    end
    if open[at - back] then
      return true
    end
  end
  return false
end

-- "don't want to cancel", "not calling about the bill"
local function is_unwished(words, at, open)
  local has_wish = false
  for back = 1, WISH_REACH do
    local word = words[at - back]
    if not word or word == "" or BREAKS[word] then
      return false
    end
    if has_wish and open[at - back] then
      return true
    end
    has_wish = has_wish or WISHES[word]
  end
  return false
end

-- "no problems", "without any other error"
local function is_absent(words, at)
  for back = 1, NEGATION_REACH do
    local word = words[at - back]
    if not word or not ABSENCES[word] then
      return false
    end
    if NEGATIONS[word] then
      return true
    end
  end
  return false
end

local function is_denied_behind(words, at, phrase)
  local behind = at + #phrase
  return words[behind] ~= nil and phrase_at(words, behind, DENIALS_BEHIND) ~= nil
end

local function has_mood(words, open, rule)
  for at = 1, #words do
    local phrase = phrase_at(words, at, rule.phrases)
    if phrase and not is_denied_behind(words, at, phrase) and
      (NEGATIONS[phrase[1]] or not is_negated(words, at, open)) then
      return true
    end
    if phrase_at(words, at, rule.denied_phrases) and is_negated(words, at, open) then
      return true
    end
  end
  return false
end

local function has_concern(words, open, rule)
  for at = 1, #words do
    local phrase = phrase_at(words, at, rule.phrases)
    if phrase and not is_denied_behind(words, at, phrase) and not is_unwished(words, at, open) and
      not (rule.absences and is_absent(words, at))
      and not (rule.order_words[phrase[1]] and open[at - 1] and words[at - 1] ~= "no") then
      return true
    end
  end
  return false
end

local function first_match(words, open, rules, has)
  for _, rule in ipairs(rules) do
    if has(words, open, rule) then
      return rule
    end
  end
  return nil
end

-- What the customer said counts; where nobody can tell the speakers apart, all of it does. Nil: only the agent spoke.
local function customer_text(transcript)
  local said, has_agent, has_other = {}, false, false
  for _, segment in ipairs(transcript.segments or {}) do
    if segment.speaker == "customer" then
      said[#said + 1] = segment.text
    elseif segment.speaker == "agent" then
      has_agent = true
    else
      has_other = true
    end
  end
  if #said > 0 then
    return table.concat(said, " \n")
  end
  if has_agent and not has_other then
    return nil
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

-- The first rules that fit; nil where none does.
local function match(text, rules, has)
  local words = words_of(text)
  hide_look_alikes(words)
  return first_match(words, negations_of(words), rules, has)
end

-- What is written to an AI agent before it hands over. The mood is the user's; what it is about, the agent knows, too.
local function classify_escalation(record)
  local escalation = record.escalation
  local written = {}
  for _, message in ipairs(record.conversation and record.conversation.messages or {}) do
    if message.role == "user" then
      written[#written + 1] = message.content
    end
  end
  local text = table.concat(written, " \n")
  local mood = match(#written > 0 and text or escalation.summary, MOODS, has_mood)
  local told = escalation.summary .. " \n" .. (escalation.reason or "") .. " \n" .. text
  local concern = match(told, CONCERNS, has_concern)
  local line = string.gsub(escalation.summary, "%s+", " ")
  return {
    mood = mood and mood.mood or "Neutral",
    concern = concern and concern.concern or sb.cut(line, 100),
    category = concern and concern.category or "General",
  }
end

function classify(record)
  if record.escalation then
    return classify_escalation(record)
  end
  local transcript = record.transcript
  if not transcript or transcript.is_empty or not transcript.text or transcript.text == "" then
    return without_transcript(record)
  end
  local text = customer_text(transcript)
  if not text then
    return { mood = "Neutral", concern = "Customer did not speak", category = "General" }
  end
  if #sb.words(text) == 0 then
    return without_transcript(record)
  end
  local mood = match(text, MOODS, has_mood)
  local concern = match(text, CONCERNS, has_concern)
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
