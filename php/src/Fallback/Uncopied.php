<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * For objects that the extension neither clones nor serializes.
 *
 * @internal
 */
trait Uncopied
{
    public function __clone()
    {
        throw new \Error('Trying to clone an uncloneable object of class ' . self::publicName());
    }

    /**
     * @return array<mixed>
     */
    public function __serialize(): array
    {
        throw new \Exception("Serialization of '" . self::publicName() . "' is not allowed");
    }

    /** The name that programs know the class by. */
    private static function publicName(): string
    {
        return str_replace('\\Fallback', '', self::class);
    }
}
