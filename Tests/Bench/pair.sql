-- The yardstick that messages are held against: a hundred rows stored in one commit, and the hundred that were stored two hundred
-- commits before deleted in another. It keeps the shape of the inbox and leaves out everything around it.
\set first :client_id * 1000000000000 + :stored
\set stored :stored + 100
INSERT INTO yardstick (device_id, message_id, sender_id, body)
SELECT hashint8(id) & 1048575, id, 1, :body::text FROM generate_series(:first::bigint, :first::bigint + 99) AS message (id);
DELETE FROM yardstick USING generate_series(:first::bigint - 20000, :first::bigint - 19901) AS message (id)
WHERE device_id = hashint8(id) & 1048575 AND message_id = id;
