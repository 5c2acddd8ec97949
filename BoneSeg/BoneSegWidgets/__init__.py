"""The parts of the BoneSeg widget, one concern a file. The only folder of BoneSeg besides its module that knows Qt."""
