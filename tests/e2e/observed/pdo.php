<?php
// PDO as it comes, and as a class of one's own; two statements fail.
final class Database extends PDO
{
    public function query(string $query, ?int $mode = null, mixed ...$words): PDOStatement|false
    {
        return parent::query($query, $mode, ...$words);
    }
}

final class Row extends PDOStatement
{
}

foreach ([new PDO('sqlite::memory:'), new Database('sqlite::memory:', options: [PDO::ATTR_STATEMENT_CLASS => [Row::class]])] as $database) {
    $database->exec('create table numbers (number primary key)');
    $insert = $database->prepare('insert into numbers values (?)');
    $database->beginTransaction();
    foreach (range(1, 25) as $number) {
        $insert->execute([$number]);
    }
    $database->commit();
    try {
        $insert->execute([1]);
    } catch (PDOException) {
    }
    for ($times = 0; $times < 4; $times++) {
        $database->query('select count(*) from numbers')->fetchAll();
    }
}
