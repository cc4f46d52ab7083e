<?php
// Commands to a Redis server on a socket, by name, in a pipeline and in a subclass; one of them fails.
final class Cache extends Redis
{
    public function set($key, $value, $options = null): Redis|string|bool
    {
        return parent::set("cache:$key", $value, $options);
    }
}

$redis = new Redis();
$redis->connect($argv[1]);
for ($number = 0; $number < 40; $number++) {
    $redis->set("key$number", (string) $number);
    $redis->get("key$number");
}
$pipeline = $redis->multi(Redis::PIPELINE);
for ($number = 0; $number < 10; $number++) {
    $pipeline->incr('counter');
}
$pipeline->exec();
$cache = new Cache();
$cache->connect($argv[1]);
for ($number = 0; $number < 5; $number++) {
    $cache->set("key$number", 'x');
}
try {
    $redis->connect('/nowhere/redis.sock');
} catch (RedisException) {
}
