package mcpserver

// instructions is what a host tells its model about this server as a whole.
const instructions = `algocline runs reasoning strategies written in Lua, and you are the language model that they ask.

1. alc_run starts a script. It either ends ("completed", "error") or asks ("needs_response").
2. When it asks, think the prompt through as if the user had put it, then send the answer with alc_continue: session_id, query_id, response.
3. Go on until "completed". Report "result" to the user.

Sessions are durable. After a lost reply, a restart or a crash call alc_status (pending_filter "full") to see what is open and go on with alc_continue; sending an answer twice with its query_id does no harm.`
