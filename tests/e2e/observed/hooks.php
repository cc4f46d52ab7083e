<?php
// Says what OpenTelemetry's extension tells hooks of functions that end in every way, as JSON.
$seen = [];
foreach (['halves', 'steps', 'unused', 'array_sum'] as $function) {
    OpenTelemetry\Instrumentation\hook(
        null,
        $function,
        function (mixed $object, array $arguments) use (&$seen, $function) {
            $seen[] = [$function, json_encode($arguments)];
        },
        function (mixed $object, array $arguments, mixed $result, ?Throwable $thrown) use (&$seen, $function) {
            $seen[] = [$function, is_object($result) ? $result::class : $result, $thrown ? $thrown::class : null];
        },
    );
}
$caught = require __DIR__ . '/covered.php';
echo json_encode(['seen' => $seen, 'caught' => $caught]);
