from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_probes")]

    operations = [
        migrations.AddField(
            model_name="retirement",
            name="dataset",
            field=models.CharField(default="", max_length=300),
            preserve_default=False,
        ),
        migrations.RemoveConstraint(model_name="retirement", name="retirement_once_per_release"),
        migrations.AddConstraint(
            model_name="retirement",
            constraint=models.UniqueConstraint(
                fields=("release", "key", "dataset"), name="retirement_once_per_dataset_and_release"
            ),
        ),
    ]
