-- What each side of a chat knows as its last message: the two differ where a message went nowhere.

-- migrate:up
ALTER TABLE chats ADD COLUMN low_last_id uuid, ADD COLUMN high_last_id uuid;
UPDATE chats SET low_last_id = last_message_id, high_last_id = last_message_id;
ALTER TABLE chats DROP COLUMN last_message_id;

-- migrate:down
ALTER TABLE chats ADD COLUMN last_message_id uuid;
UPDATE chats SET last_message_id = greatest(low_last_id, high_last_id);
ALTER TABLE chats ALTER COLUMN last_message_id SET NOT NULL, DROP COLUMN low_last_id, DROP COLUMN high_last_id;
